#include "services/executor/task_service.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_macros.h"
#include "libs/engine/engine_error.h"
#include "libs/rpc/deadline.h"
#include "libs/rpc/page_token.h"
#include "libs/rpc/status_conversion.h"
#include "libs/task/request_digest.h"
#include "libs/task/task_id.h"
#include "services/executor/failed_stream.h"
#include "services/executor/read_logs_call.h"
#include "services/executor/request_checks.h"
#include "services/executor/unary_call.h"
#include "services/executor/watch_call.h"

namespace cloister::executor {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

// A wait costs little, but one that nobody remembers would stay for ever: its client asks again.
constexpr absl::Duration kLongestWait = absl::Hours(24);

// A page of long command lines is cut short: clients take 4 MiB at most unless told otherwise.
constexpr size_t kMaxPageBytes = 2 << 20;

constexpr size_t kRememberedSignals = 8192;

ServerUnaryReactor* Answer(CallbackServerContext* context, const absl::Status& status) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(rpc::ToGrpcStatus(status));
  return reactor;
}

std::string SignalBody(const v1::SignalTaskRequest& request) {
  return absl::StrCat(request.task_id(), " ", request.signal());
}

absl::Status WaitedTooLong() {
  return WithReason(absl::DeadlineExceededError("the task has not ended yet: wait again"),
                    "TASK_STILL_LIVE");
}

}  // namespace

TaskService::TaskService(std::string node_id, engine::Engine* engine,
                         const rpc::Authorizer* authorizer, rpc::DrainSignal* drain,
                         const Clock* clock, NodeArtifactParts artifacts)
    : node_id_(std::move(node_id)),
      engine_(engine),
      authorizer_(authorizer),
      drain_(drain),
      clock_(clock),
      signals_(kRememberedSignals),
      files_(engine, drain),
      artifacts_(node_id_, artifacts, engine, drain) {}

absl::StatusOr<engine::StartCommand> TaskService::MakeStart(
    const grpc::ServerContextBase& context, const v1::StartTaskRequest& request) const {
  CLOISTER_RETURN_IF_ERROR(CheckNode(request.node_id(), node_id_));
  CLOISTER_ASSIGN_OR_RETURN(const rpc::CallIdentity identity, authorizer_->Identify(context));
  engine::StartCommand start;
  start.principal = identity.principal.ToString();
  std::vector<FieldViolation> violations;
  CheckRequestId(request.request_id(), &violations);
  CheckExternalId(request.external_id(), &violations);
  start.task_id = task::DeriveTaskId(start.principal, request.request_id());
  if (!request.task_id().empty() && request.task_id() != start.task_id) {
    violations.push_back({"task_id", "is derived from the caller and request_id: leave it empty"});
  }
  if (!violations.empty()) {
    // All at once: what is wrong with the configuration too.
    const absl::Status planned = engine_->Explain(request.config()).status();
    for (FieldViolation& violation : GetFieldViolations(planned)) {
      violations.push_back(std::move(violation));
    }
    return InvalidArgument(violations);
  }
  start.request_id = request.request_id();
  start.external_id = request.external_id();
  start.request_digest = task::RequestDigest(request.external_id(), request.config());
  start.config = request.config();
  start.wait_accepted = request.wait() == v1::StartTaskRequest::WAIT_ACCEPTED;
  return start;
}

template <typename Call>
void TaskService::LimitWait(const grpc::ServerContextBase& context, Call* call) const {
  call->EndAtDrain(drain_);
  const absl::Time deadline = rpc::CallDeadline(context);
  const absl::Time capped = rpc::CappedDeadline(deadline, absl::Now(), kLongestWait);
  if (capped < deadline) call->EndAt(capped, WaitedTooLong());
}

ServerUnaryReactor* TaskService::StartTask(CallbackServerContext* context,
                                           const v1::StartTaskRequest* request,
                                           v1::StartTaskResponse* response) {
  const absl::Duration arrival = clock_->Monotonic();
  absl::StatusOr<engine::StartCommand> start = MakeStart(*context, *request);
  if (!start.ok()) return Answer(context, start.status());
  start->arrival = arrival;
  // A client that goes, or whose time is up, cancels nothing: it asks again with the same
  // request_id.
  std::shared_ptr<UnaryCall<v1::StartTaskResponse>> call =
      UnaryCall<v1::StartTaskResponse>::Open(response);
  const auto answer = [call](const engine::TaskSnapshot& task) {
    call->Answer([&task](v1::StartTaskResponse* response) { *response->mutable_task() = *task; });
  };
  const bool until_end = request->wait() == v1::StartTaskRequest::WAIT_ENDED;
  if (until_end) LimitWait(*context, call.get());
  engine_->Start(*std::move(start), [engine = engine_, until_end, answer,
                                     call](absl::StatusOr<engine::TaskSnapshot> task) {
    if (!task.ok()) return call->Fail(task.status());
    if (!until_end) return answer(*task);
    // Removed in between: there is no end to be told.
    const absl::StatusOr<engine::WaitTicket> ticket = engine->Wait((*task)->id(), answer);
    if (!ticket.ok()) return call->Fail(ticket.status());
    call->OnEnd([engine, ticket = *ticket] { engine->CancelWait(ticket); });
  });
  return call.get();
}

ServerUnaryReactor* TaskService::GetTask(CallbackServerContext* context,
                                         const v1::GetTaskRequest* request,
                                         v1::GetTaskResponse* response) {
  absl::StatusOr<engine::TaskSnapshot> task = engine_->Get(request->task_id());
  if (task.ok()) *response->mutable_task() = **task;
  return Answer(context, task.status());
}

ServerUnaryReactor* TaskService::ListTasks(CallbackServerContext* context,
                                           const v1::ListTasksRequest* request,
                                           v1::ListTasksResponse* response) {
  return Answer(context, FillList(*context, *request, response));
}

absl::Status TaskService::FillList(const grpc::ServerContextBase& context,
                                   const v1::ListTasksRequest& request,
                                   v1::ListTasksResponse* response) const {
  CLOISTER_RETURN_IF_ERROR(CheckNode(request.node_id(), node_id_));
  CLOISTER_ASSIGN_OR_RETURN(const rpc::CallIdentity identity, authorizer_->Identify(context));
  const std::string caller = identity.principal.ToString();
  CLOISTER_ASSIGN_OR_RETURN(const size_t size, rpc::PageSize(request.page_size()));
  const std::string query = rpc::PageQuery(request);
  CLOISTER_ASSIGN_OR_RETURN(const std::string after,
                            rpc::ParsePageToken(request.page_token(), query, caller));
  const absl::flat_hash_set<int> states(request.states().begin(), request.states().end());
  // One more than the page tells whether there is a next.
  const std::vector<engine::TaskSnapshot> tasks = engine_->List(
      after, size + 1,
      [&states](const v1::Task& task) { return states.empty() || states.contains(task.state()); });
  size_t bytes = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    bytes += tasks[i]->ByteSizeLong();
    if (i == size || (i > 0 && bytes > kMaxPageBytes)) {
      response->set_next_page_token(rpc::MakePageToken(tasks[i - 1]->id(), query, caller));
      break;
    }
    *response->add_tasks() = *tasks[i];
  }
  return absl::OkStatus();
}

ServerUnaryReactor* TaskService::WaitTask(CallbackServerContext* context,
                                          const v1::WaitTaskRequest* request,
                                          v1::WaitTaskResponse* response) {
  auto call = UnaryCall<v1::WaitTaskResponse>::Open(response);
  absl::StatusOr<engine::WaitTicket> ticket =
      engine_->Wait(request->task_id(), [call](const engine::TaskSnapshot& task) {
        call->Answer(
            [&task](v1::WaitTaskResponse* response) { *response->mutable_task() = *task; });
      });
  if (!ticket.ok()) {
    call->Fail(ticket.status());
    return call.get();
  }
  call->OnEnd([engine = engine_, ticket = *ticket] { engine->CancelWait(ticket); });
  LimitWait(*context, call.get());
  return call.get();
}

grpc::ServerWriteReactor<v1::WatchTasksResponse>* TaskService::WatchTasks(
    CallbackServerContext*, const v1::WatchTasksRequest* request) {
  return OpenWatchCall(engine_, request->task_id(), drain_);
}

ServerUnaryReactor* TaskService::StopTask(CallbackServerContext* context,
                                          const v1::StopTaskRequest* request,
                                          v1::StopTaskResponse* response) {
  return Answer(context, Stop(*request, response));
}

absl::Status TaskService::Stop(const v1::StopTaskRequest& request,
                               v1::StopTaskResponse* response) const {
  std::vector<FieldViolation> violations;
  CheckRequestId(request.request_id(), &violations);
  CheckTaskId(request.task_id(), &violations);
  const absl::optional<int> signal = CheckSignal(request.signal(), /*required=*/false, &violations);
  const absl::optional<absl::Duration> grace = CheckGrace(request, &violations);
  CLOISTER_RETURN_IF_ERROR(InvalidArgument(violations));
  CLOISTER_ASSIGN_OR_RETURN(const engine::TaskSnapshot task,
                            engine_->Stop(request.task_id(), grace, signal));
  *response->mutable_task() = *task;
  return absl::OkStatus();
}

ServerUnaryReactor* TaskService::SignalTask(CallbackServerContext* context,
                                            const v1::SignalTaskRequest* request,
                                            v1::SignalTaskResponse* response) {
  std::vector<FieldViolation> violations;
  CheckRequestId(request->request_id(), &violations);
  CheckTaskId(request->task_id(), &violations);
  const absl::optional<int> signal = CheckSignal(request->signal(), /*required=*/true, &violations);
  if (absl::Status status = InvalidArgument(violations); !status.ok()) {
    return Answer(context, status);
  }
  const absl::StatusOr<rpc::CallIdentity> identity = authorizer_->Identify(*context);
  if (!identity.ok()) return Answer(context, identity.status());
  const std::string principal = identity->principal.ToString();
  const absl::StatusOr<bool> was_signalled = WasSignalled(principal, *request);
  if (!was_signalled.ok() || *was_signalled) return Answer(context, was_signalled.status());
  auto call = UnaryCall<v1::SignalTaskResponse>::Open(response);
  engine_->Signal(request->task_id(), *signal,
                  [this, call, principal, id = request->request_id(),
                   body = SignalBody(*request)](const absl::Status& status) {
                    if (!status.ok()) return call->Fail(status);
                    signals_.Remember(principal, id, body);
                    call->Answer([](v1::SignalTaskResponse*) {});
                  });
  return call.get();
}

absl::StatusOr<bool> TaskService::WasSignalled(const std::string& principal,
                                               const v1::SignalTaskRequest& request) const {
  switch (signals_.Ask(principal, request.request_id(), SignalBody(request))) {
    case RecentRequests::Answer::kNew:
      return false;
    case RecentRequests::Answer::kRepeated:
      return true;
    case RecentRequests::Answer::kReused:
      break;
  }
  return engine::EngineError(absl::StatusCode::kAlreadyExists, engine::kRequestIdReused,
                             absl::StrCat("request_id '", request.request_id(),
                                          "' was used for another signal: take a new one"));
}

ServerUnaryReactor* TaskService::DestroyTask(CallbackServerContext* context,
                                             const v1::DestroyTaskRequest* request,
                                             v1::DestroyTaskResponse* response) {
  std::vector<FieldViolation> violations;
  CheckRequestId(request->request_id(), &violations);
  CheckTaskId(request->task_id(), &violations);
  if (absl::Status status = InvalidArgument(violations); !status.ok()) {
    return Answer(context, status);
  }
  auto call = UnaryCall<v1::DestroyTaskResponse>::Open(response);
  const bool allow_missing = request->allow_missing();
  engine_->Destroy(request->task_id(), request->force(),
                   [call, allow_missing](const absl::Status& status) {
                     if (!status.ok() && !(allow_missing && absl::IsNotFound(status))) {
                       return call->Fail(status);
                     }
                     call->Answer([](v1::DestroyTaskResponse*) {});
                   });
  return call.get();
}

grpc::ServerWriteReactor<v1::ReadLogsResponse>* TaskService::ReadLogs(
    CallbackServerContext*, const v1::ReadLogsRequest* request) {
  std::vector<FieldViolation> violations;
  CheckTaskId(request->task_id(), &violations);
  if (request->stream() != v1::LOG_STREAM_STDOUT && request->stream() != v1::LOG_STREAM_STDERR) {
    violations.push_back({"stream", "must be LOG_STREAM_STDOUT or LOG_STREAM_STDERR"});
  }
  if (absl::Status status = InvalidArgument(violations); !status.ok()) {
    return new FailedStream<v1::ReadLogsResponse>(status);
  }
  return OpenReadLogsCall(engine_, *request, drain_);
}

ServerUnaryReactor* TaskService::ListFiles(CallbackServerContext* context,
                                           const v1::ListFilesRequest* request,
                                           v1::ListFilesResponse* response) {
  const absl::StatusOr<rpc::CallIdentity> identity = authorizer_->Identify(*context);
  if (!identity.ok()) return Answer(context, identity.status());
  return files_.List(*context, identity->principal.ToString(), *request, response);
}

ServerUnaryReactor* TaskService::StatFile(CallbackServerContext* context,
                                          const v1::StatFileRequest* request,
                                          v1::StatFileResponse* response) {
  return files_.Stat(*context, *request, response);
}

grpc::ServerWriteReactor<v1::ReadFileResponse>* TaskService::ReadFile(
    CallbackServerContext* context, const v1::ReadFileRequest* request) {
  return files_.Read(*context, *request);
}

grpc::ServerReadReactor<v1::PutFileRequest>* TaskService::PutFile(CallbackServerContext* context,
                                                                  v1::PutFileResponse* response) {
  return files_.Put(*context, response);
}

ServerUnaryReactor* TaskService::ExplainTask(CallbackServerContext* context,
                                             const v1::ExplainTaskRequest* request,
                                             v1::ExplainTaskResponse* response) {
  return Answer(context, Explain(*request, response));
}

ServerUnaryReactor* TaskService::ListArtifacts(CallbackServerContext* context,
                                               const v1::ListArtifactsRequest* request,
                                               v1::ListArtifactsResponse* response) {
  const absl::StatusOr<rpc::CallIdentity> identity = authorizer_->Identify(*context);
  if (!identity.ok()) return Answer(context, identity.status());
  return Answer(context, artifacts_.List(identity->principal, *request, response));
}

ServerUnaryReactor* TaskService::FetchArtifact(CallbackServerContext* context,
                                               const v1::FetchArtifactRequest* request,
                                               v1::FetchArtifactResponse* response) {
  const absl::StatusOr<rpc::CallIdentity> identity = authorizer_->Identify(*context);
  if (!identity.ok()) return Answer(context, identity.status());
  return artifacts_.Fetch(context, identity->principal, *request, response);
}

ServerUnaryReactor* TaskService::PruneArtifacts(CallbackServerContext* context,
                                                const v1::PruneArtifactsRequest* request,
                                                v1::PruneArtifactsResponse* response) {
  return Answer(context, artifacts_.Prune(*request, response));
}

absl::Status TaskService::Explain(const v1::ExplainTaskRequest& request,
                                  v1::ExplainTaskResponse* response) const {
  CLOISTER_RETURN_IF_ERROR(CheckNode(request.node_id(), node_id_));
  CLOISTER_ASSIGN_OR_RETURN(engine::Explanation explanation, engine_->Explain(request.config()));
  response->set_text(std::move(explanation.text));
  response->set_plan(std::move(explanation.plan));
  *response->mutable_fence() = std::move(explanation.fence);
  return absl::OkStatus();
}

}  // namespace cloister::executor
