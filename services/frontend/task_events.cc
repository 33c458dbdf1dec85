#include "services/frontend/task_events.h"

#include <utility>

namespace cloister::frontend {
namespace {

using Event = v1::WatchTasksResponse;

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  out->set_seconds(seconds);
  out->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

// The node's own time of the event where the task has one.
void SetEventTime(absl::Time now, Event* event) {
  const v1::Task& task = event->task();
  if (event->type() == Event::TYPE_CREATED && task.has_create_time()) {
    *event->mutable_time() = task.create_time();
  } else if (event->type() == Event::TYPE_STARTED && task.has_start_time()) {
    *event->mutable_time() = task.start_time();
  } else if (event->type() == Event::TYPE_ENDED && task.has_exit_time()) {
    *event->mutable_time() = task.exit_time();
  } else {
    SetTime(now, event->mutable_time());
  }
}

EventRef MakeEvent(Event::Type type, const v1::Task& task, bool unreachable, absl::Time now) {
  auto event = std::make_shared<Event>();
  event->set_type(type);
  *event->mutable_task() = task;
  event->mutable_task()->set_node_unreachable(unreachable);
  SetEventTime(now, event.get());
  return event;
}

bool HasStarted(const v1::Task& task) {
  return task.state() == v1::TASK_STATE_RUNNING || task.has_start_time();
}

}  // namespace

std::vector<EventRef> MakeEvents(const TaskChange& change, absl::Time now) {
  std::vector<EventRef> events;
  const v1::Task& task = change.after != nullptr ? *change.after : *change.before;
  const auto add = [&](Event::Type type) {
    events.push_back(MakeEvent(type, task, /*unreachable=*/false, now));
  };
  if (change.after == nullptr) {
    add(Event::TYPE_DESTROYED);
    return events;
  }
  const v1::Task* before = change.before.get();
  // STOPPING and what follows it have been told: STARTED would come too late.
  const bool stopping_told =
      before != nullptr && (before->state() == v1::TASK_STATE_STOPPING || HasEnded(*before));
  if (before == nullptr) add(Event::TYPE_CREATED);
  if (before != nullptr && task.state() == v1::TASK_STATE_PENDING && !task.artifacts().empty()) {
    add(Event::TYPE_PROGRESS);
  }
  if (HasStarted(task) && !stopping_told && (before == nullptr || !HasStarted(*before))) {
    add(Event::TYPE_STARTED);
  }
  if (task.state() == v1::TASK_STATE_STOPPING && !stopping_told) add(Event::TYPE_STOPPING);
  if (HasEnded(task) && (before == nullptr || !HasEnded(*before))) add(Event::TYPE_ENDED);
  return events;
}

EventRef MakeNodeChanged(const v1::Task& task, bool unreachable, absl::Time now) {
  return MakeEvent(Event::TYPE_NODE_CHANGED, task, unreachable, now);
}

void TaskFeed::Add(absl::string_view task_id, TaskSubscriber* subscriber) {
  if (subscribers_[std::string(task_id)].insert(subscriber).second) ++size_;
}

void TaskFeed::Remove(absl::string_view task_id, TaskSubscriber* subscriber) {
  const auto of_task = subscribers_.find(task_id);
  if (of_task == subscribers_.end()) return;
  size_ -= of_task->second.erase(subscriber);
  if (of_task->second.empty()) subscribers_.erase(of_task);
}

void TaskFeed::Publish(const EventRef& event) const {
  for (absl::string_view task_id : {absl::string_view(event->task().id()), absl::string_view()}) {
    const auto of_task = subscribers_.find(task_id);
    if (of_task == subscribers_.end()) continue;
    for (TaskSubscriber* subscriber : of_task->second) subscriber->OnTaskEvent(event);
  }
}

}  // namespace cloister::frontend
