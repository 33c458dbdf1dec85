#include "services/executor/session_outbox.h"

#include <utility>

namespace cloister::executor {
namespace {

// An id whose task was destroyed can be another object's later.
bool SameObject(const v1::Task& a, const v1::Task& b) {
  return a.create_time().seconds() == b.create_time().seconds() &&
         a.create_time().nanos() == b.create_time().nanos();
}

// Whether `task` can take the place of `waiting` without hiding an event.
bool Covers(const v1::Task& task, const v1::Task& waiting) {
  return SameObject(task, waiting) &&
         !(waiting.state() == v1::TASK_STATE_STOPPING && HasEnded(task));
}

}  // namespace

bool HasEnded(const v1::Task& task) {
  return task.state() == v1::TASK_STATE_EXITED || task.state() == v1::TASK_STATE_LOST;
}

void SessionOutbox::Update(SharedTask task) {
  const auto it = records_.find(task->id());
  if (it != records_.end()) {
    Record& last = it->second.back();
    if (last.task != nullptr && Covers(*task, *last.task)) {
      if (task->revision() > last.task->revision()) last.task = std::move(task);
      return;
    }
  }
  const std::string id = task->id();
  Push(id, {.task = std::move(task)});
}

void SessionOutbox::Destroyed(absl::string_view task_id) {
  const auto it = records_.find(task_id);
  if (it != records_.end() && it->second.back().task == nullptr) return;
  Push(std::string(task_id), {});
}

void SessionOutbox::AddSnapshot(const std::vector<SharedTask>& tasks) {
  snapshot_added_ = true;
  for (const SharedTask& task : tasks) {
    // What happened since tells as much or more, its destruction included.
    if (records_.count(task->id()) > 0) continue;
    ++snapshot_waiting_;
    Push(task->id(), {.task = task, .of_snapshot = true});
  }
}

absl::optional<v1::NodeStatus> SessionOutbox::Next(bool heartbeat) {
  if (sent_ - acked_ >= kWindow) return absl::nullopt;
  v1::NodeStatus message;
  // One record of a task in a message, so that the order within it does not matter.
  std::vector<std::string> again;
  size_t bytes = 0;
  for (size_t count = 0; count < kMaxMessageTasks && !order_.empty(); ++count) {
    const SharedTask& task = records_.find(order_.front())->second.front().task;
    bytes += task == nullptr ? order_.front().size() : task->ByteSizeLong();
    if (count > 0 && bytes > kMaxMessageBytes) break;
    std::string id = std::move(order_.front());
    order_.pop_front();
    Take(id, &message);
    if (records_.count(id) > 0) again.push_back(std::move(id));
  }
  for (std::string& id : again) order_.push_back(std::move(id));
  if (snapshot_added_ && snapshot_waiting_ == 0 && !synced_told_) {
    synced_told_ = true;
    message.set_synced(true);
  }
  const bool empty =
      message.tasks().empty() && message.destroyed_task_ids().empty() && !message.synced();
  if (empty && !heartbeat) return absl::nullopt;
  message.set_sequence(++sent_);
  return message;
}

bool SessionOutbox::Acknowledge(uint64_t sequence) {
  if (sequence > sent_) return false;
  if (sequence > acked_) acked_ = sequence;
  return true;
}

void SessionOutbox::Push(const std::string& task_id, Record record) {
  if (!record.of_snapshot && ++waiting_ > max_waiting_) overflowed_ = true;
  std::deque<Record>& records = records_[task_id];
  if (records.empty()) order_.push_back(task_id);
  records.push_back(std::move(record));
}

void SessionOutbox::Take(const std::string& task_id, v1::NodeStatus* message) {
  const auto it = records_.find(task_id);
  const Record record = std::move(it->second.front());
  it->second.pop_front();
  if (it->second.empty()) records_.erase(it);
  if (record.of_snapshot) {
    --snapshot_waiting_;
  } else {
    --waiting_;
  }
  if (record.task == nullptr) {
    message->add_destroyed_task_ids(task_id);
  } else {
    *message->add_tasks() = *record.task;
  }
}

}  // namespace cloister::executor
