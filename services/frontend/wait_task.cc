#include "services/frontend/wait_task.h"

#include <utility>

#include "absl/status/statusor.h"
#include "libs/rpc/status_conversion.h"
#include "services/frontend/frontend_error.h"

namespace cloister::frontend {

grpc::ServerUnaryReactor* TaskWait::Start(NodeRegistry* registry, rpc::DrainSignal* drain,
                                          const v1::WaitTaskRequest& request,
                                          v1::WaitTaskResponse* response) {
  auto* wait = new TaskWait(registry, request.task_id(), response);
  // First the events, then the state: what happens between the two is not missed.
  registry->Subscribe(request.task_id(), wait);
  wait->drain_ = drain->Subscribe([wait] { wait->Fail(rpc::DrainSignal::Refusal()); });
  const absl::StatusOr<KnownTask> known = registry->Locate(request.task_id());
  if (!known.ok()) {
    wait->Fail(known.status());
  } else if (HasEnded(*known->task)) {
    wait->Answer(known->Shown());
  }
  return wait;
}

TaskWait::TaskWait(NodeRegistry* registry, std::string task_id, v1::WaitTaskResponse* response)
    : registry_(registry), task_id_(std::move(task_id)), response_(response) {}

void TaskWait::OnTaskEvent(const EventRef& event) {
  if (event->type() == v1::WatchTasksResponse::TYPE_ENDED) Answer(event->task());
  if (event->type() == v1::WatchTasksResponse::TYPE_DESTROYED) Fail(TaskUnknown(task_id_));
}

void TaskWait::OnCancel() { Fail(absl::CancelledError("the caller has gone")); }

void TaskWait::OnDone() {
  registry_->Unsubscribe(task_id_, this);
  delete this;
}

void TaskWait::Answer(const v1::Task& task) {
  if (!Claim()) return;
  *response_->mutable_task() = task;
  Finish(grpc::Status::OK);
}

void TaskWait::Fail(const absl::Status& status) {
  if (Claim()) Finish(rpc::ToGrpcStatus(status));
}

}  // namespace cloister::frontend
