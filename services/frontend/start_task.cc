#include "services/frontend/start_task.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/status_conversion.h"
#include "libs/task/task_id.h"
#include "services/frontend/forward_call.h"
#include "services/frontend/frontend_error.h"

namespace cloister::frontend {
namespace {

using Outcome = PendingStarts::Outcome;

constexpr size_t kMaxRequestIdBytes = 128;

absl::Status CheckRequestId(const std::string& id) {
  if (id.empty()) return BadField("request_id", "empty: a start needs one, a UUID by custom");
  if (id.size() > kMaxRequestIdBytes ||
      !std::all_of(id.begin(), id.end(), [](unsigned char c) { return absl::ascii_isprint(c); })) {
    return BadField("request_id", absl::StrCat("must be 1 to ", kMaxRequestIdBytes,
                                               " printable ASCII characters"));
  }
  return absl::OkStatus();
}

}  // namespace

Outcome OutcomeOf(const grpc::Status& status) {
  if (status.ok()) return Outcome::kStarted;
  // These two are said by an executor of a start that goes on, too.
  if (status.error_code() == grpc::StatusCode::CANCELLED ||
      status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return Outcome::kUnknown;
  }
  const std::string reason = GetReason(rpc::FromGrpcStatus(status));
  const bool clear = !reason.empty() && reason != "SHUTTING_DOWN";
  return clear ? Outcome::kRefused : Outcome::kUnknown;
}

bool IsOutOfRoom(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
         !GetReason(rpc::FromGrpcStatus(status)).empty();
}

grpc::ServerUnaryReactor* TaskStart::Start(NodeRegistry* registry, ExecutorConnections* connections,
                                           rpc::DrainSignal* drain,
                                           grpc::CallbackServerContext* caller,
                                           const rpc::Principal& principal,
                                           const v1::StartTaskRequest& request,
                                           v1::StartTaskResponse* response) {
  auto* start = new TaskStart(registry, connections, caller, principal, request, response);
  if (request.wait() == v1::StartTaskRequest::WAIT_ENDED) {
    start->drain_ = drain->Subscribe([start] { start->OnDrain(); });
  }
  absl::Status status = start->Identify();
  if (status.ok()) status = start->Send();
  if (!status.ok()) start->Finish(rpc::ToGrpcStatus(status));
  return start;
}

TaskStart::TaskStart(NodeRegistry* registry, ExecutorConnections* connections,
                     grpc::CallbackServerContext* caller, const rpc::Principal& principal,
                     const v1::StartTaskRequest& request, v1::StartTaskResponse* response)
    : registry_(registry),
      connections_(connections),
      caller_(caller),
      principal_(principal),
      request_(request),
      response_(response) {}

void TaskStart::OnCancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

// The task goes on: the caller asks again, with the same request_id, whoever serves then.
void TaskStart::OnDrain() {
  absl::MutexLock lock(&mu_);
  drained_ = true;
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

bool TaskStart::drained() {
  absl::MutexLock lock(&mu_);
  return drained_;
}

absl::Status TaskStart::Identify() {
  CLOISTER_RETURN_IF_ERROR(CheckRequestId(request_.request_id()));
  const std::string task_id = task::DeriveTaskId(principal_.ToString(), request_.request_id());
  if (!request_.task_id().empty() && request_.task_id() != task_id) {
    return BadField("task_id", "is derived from the caller and request_id: leave it empty");
  }
  request_.set_task_id(task_id);
  query_.task_id = task_id;
  query_.node_id = request_.node_id();
  query_.demand = DemandOf(request_.config());
  return absl::OkStatus();
}

absl::Status TaskStart::Send() {
  CLOISTER_ASSIGN_OR_RETURN(target_, registry_->BeginStart(query_));
  auto stub = connections_->Find(target_.node_id);
  if (!stub.ok()) {
    registry_->EndStart(query_.task_id, Outcome::kRefused, nullptr);
    return stub.status();
  }
  stub_ = *std::move(stub);
  request_.set_node_id(target_.node_id);
  stub_->async()->StartTask(NewContext(), &request_, response_,
                            [this](const grpc::Status& status) { Answered(status); });
  return absl::OkStatus();
}

void TaskStart::Answered(const grpc::Status& status) {
  registry_->EndStart(query_.task_id, OutcomeOf(status),
                      status.ok() ? &response_->task() : nullptr);
  if (!target_.placed || !IsOutOfRoom(status)) {
    Finish(drained() ? rpc::ToGrpcStatus(rpc::DrainSignal::Refusal())
                     : AnswerOf(target_.node_id, status));
    return;
  }
  query_.refused_by.insert(target_.node_id);
  // What there is none of is the node's to say: it need not be memory.
  const std::string words = absl::StrCat("node '", target_.node_id, "': ", status.error_message());
  const absl::Status next = Send();
  if (!next.ok()) Finish(rpc::ToGrpcStatus(Annotate(next, words)));
}

grpc::ClientContext* TaskStart::NewContext() {
  absl::MutexLock lock(&mu_);
  context_ = std::make_unique<grpc::ClientContext>();
  // The executor sets the bound of a wait for the end.
  const absl::Duration max_time = request_.wait() == v1::StartTaskRequest::WAIT_ENDED
                                      ? absl::InfiniteDuration()
                                      : kMaxUnaryTime;
  PrepareForward(*caller_, {target_.node_id, stub_, principal_}, max_time, context_.get());
  if (cancelled_) context_->TryCancel();
  return context_.get();
}

}  // namespace cloister::frontend
