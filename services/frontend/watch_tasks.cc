#include "services/frontend/watch_tasks.h"

#include <utility>

#include "libs/rpc/status_conversion.h"
#include "services/frontend/frontend_error.h"

namespace cloister::frontend {

using Event = v1::WatchTasksResponse;

grpc::ServerWriteReactor<Event>* TaskWatch::Start(NodeRegistry* registry, rpc::DrainSignal* drain,
                                                  const v1::WatchTasksRequest& request,
                                                  size_t limit) {
  auto* watch = new TaskWatch(registry, request.task_id(), limit);
  watch->drain_ = drain->Subscribe([watch] { watch->End(rpc::DrainSignal::Refusal()); });
  std::vector<KnownTask> snapshot = registry->Subscribe(request.task_id(), watch);
  if (!request.task_id().empty() && snapshot.empty()) {
    // If it has come meanwhile, its CREATED is in the queue.
    const absl::Status known = registry->Locate(request.task_id()).status();
    absl::MutexLock lock(&watch->mu_);
    if (!known.ok()) watch->EndWith(known);
  }
  watch->Begin(std::move(snapshot));
  return watch;
}

TaskWatch::TaskWatch(NodeRegistry* registry, std::string task_id, size_t limit)
    : registry_(registry), task_id_(std::move(task_id)), limit_(limit) {}

void TaskWatch::OnTaskEvent(const EventRef& event) {
  {
    absl::MutexLock lock(&mu_);
    if (ending_) return;
    if (queue_.size() >= limit_) {
      EndWith(WatchOverflow());
    } else {
      queue_.push_back(event);
      if (!task_id_.empty() && event->type() == Event::TYPE_DESTROYED) ending_ = true;
    }
  }
  Continue();
}

void TaskWatch::End(const absl::Status& status) {
  {
    absl::MutexLock lock(&mu_);
    EndWith(status);
  }
  Continue();
}

void TaskWatch::OnWriteDone(bool ok) {
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) EndWith(absl::CancelledError("the caller has gone"));
  }
  Continue();
}

void TaskWatch::OnCancel() { End(absl::CancelledError("the caller has gone")); }

void TaskWatch::OnDone() {
  registry_->Unsubscribe(task_id_, this);
  delete this;
}

void TaskWatch::Begin(std::vector<KnownTask> snapshot) {
  {
    absl::MutexLock lock(&mu_);
    begun_ = true;
    if (!ending_) snapshot_ = std::move(snapshot);
  }
  Continue();
}

void TaskWatch::EndWith(absl::Status status) {
  ending_ = true;
  end_status_ = std::move(status);
  queue_.clear();
  snapshot_.clear();
  snapshot_told_ = 0;
  synced_told_ = true;
}

void TaskWatch::Continue() {
  const Event* message = nullptr;
  grpc::Status status;
  {
    absl::MutexLock lock(&mu_);
    if (!begun_ || writing_ || finished_) return;
    message = Next();
    writing_ = message != nullptr;
    finished_ = message == nullptr && ending_;
    if (message == nullptr && !ending_) return;
    status = rpc::ToGrpcStatus(end_status_);
  }
  if (message != nullptr) {
    StartWrite(message);
  } else {
    Finish(status);
  }
}

const Event* TaskWatch::Next() {
  if (snapshot_told_ < snapshot_.size()) {
    own_message_.set_type(Event::TYPE_SNAPSHOT);
    *own_message_.mutable_task() = snapshot_[snapshot_told_++].Shown();
    return &own_message_;
  }
  snapshot_.clear();
  snapshot_told_ = 0;
  if (!synced_told_) {
    synced_told_ = true;
    own_message_.Clear();
    own_message_.set_type(Event::TYPE_SYNCED);
    return &own_message_;
  }
  if (queue_.empty()) return nullptr;
  shared_message_ = std::move(queue_.front());
  queue_.pop_front();
  return shared_message_.get();
}

}  // namespace cloister::frontend
