#include "services/frontend/task_service.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/page_token.h"
#include "libs/rpc/status_conversion.h"
#include "services/frontend/forward_stream.h"
#include "services/frontend/forward_unary.h"
#include "services/frontend/forward_upload.h"
#include "services/frontend/frontend_error.h"
#include "services/frontend/start_task.h"
#include "services/frontend/wait_task.h"
#include "services/frontend/watch_tasks.h"

namespace cloister::frontend {
namespace {

using Async = v1::TaskService::StubInterface::async_interface;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

ServerUnaryReactor* Answer(CallbackServerContext* context, const absl::Status& status) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(rpc::ToGrpcStatus(status));
  return reactor;
}

// A stream that is an error from the start.
template <typename Response>
class FailedStream final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit FailedStream(const absl::Status& status) { this->Finish(rpc::ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

// A page of long command lines is cut short: clients take 4 MiB at most unless told otherwise.
constexpr size_t kMaxPageBytes = 2 << 20;

// Ids hold no NUL.
constexpr char kKeySeparator = '\0';

std::string ListKey(const v1::Task& task) {
  return absl::StrCat(task.id(), absl::string_view(&kKeySeparator, 1), task.node_id());
}

TaskIndex::Position PositionOf(const std::string& key) {
  std::pair<std::string, std::string> ids = absl::StrSplit(key, absl::MaxSplits(kKeySeparator, 1));
  return {std::move(ids.first), std::move(ids.second)};
}

}  // namespace

ServerUnaryReactor* TaskService::StartTask(CallbackServerContext* context,
                                           const v1::StartTaskRequest* request,
                                           v1::StartTaskResponse* response) {
  const absl::StatusOr<rpc::Principal> caller = options_.caller_of(*context);
  if (!caller.ok()) return Answer(context, caller.status());
  return TaskStart::Start(registry_, connections_, drain_, context, *caller, *request, response);
}

ServerUnaryReactor* TaskService::GetTask(CallbackServerContext* context,
                                         const v1::GetTaskRequest* request,
                                         v1::GetTaskResponse* response) {
  const absl::StatusOr<KnownTask> known = registry_->Locate(request->task_id());
  if (!known.ok()) return Answer(context, known.status());
  const std::string& node_id = known->task->node_id();
  absl::StatusOr<ForwardTarget> target = TargetFor(*context, node_id);
  if (known->node_unreachable || !target.ok()) {
    *response->mutable_task() = known->Shown();
    response->mutable_task()->set_node_unreachable(true);
    return Answer(context, absl::OkStatus());
  }
  const auto last_known = [task = known->task, response](const grpc::Status& status) {
    if (!IsConnectionFailure(status)) return status;
    *response->mutable_task() = *task;
    response->mutable_task()->set_node_unreachable(true);
    return grpc::Status::OK;
  };
  return UnaryForward<v1::GetTaskRequest, v1::GetTaskResponse>::Start(
      context, *std::move(target), &Async::GetTask, request, response, last_known);
}

ServerUnaryReactor* TaskService::ListTasks(CallbackServerContext* context,
                                           const v1::ListTasksRequest* request,
                                           v1::ListTasksResponse* response) {
  return Answer(context, FillList(*context, *request, response));
}

absl::Status TaskService::FillList(const grpc::ServerContextBase& context,
                                   const v1::ListTasksRequest& request,
                                   v1::ListTasksResponse* response) const {
  CLOISTER_ASSIGN_OR_RETURN(const rpc::Principal principal, options_.caller_of(context));
  const std::string caller = principal.ToString();
  CLOISTER_ASSIGN_OR_RETURN(const size_t size, rpc::PageSize(request.page_size()));
  const std::string query = rpc::PageQuery(request);
  CLOISTER_ASSIGN_OR_RETURN(const std::string after,
                            rpc::ParsePageToken(request.page_token(), query, caller));
  if (!request.node_id().empty()) {
    CLOISTER_RETURN_IF_ERROR(registry_->GetNode(request.node_id()).status());
  }
  std::set<v1::TaskState> states;
  for (int state : request.states()) states.insert(static_cast<v1::TaskState>(state));
  // One more than the page tells whether there is a next.
  const std::vector<KnownTask> tasks =
      registry_->ListTasks(PositionOf(after), request.node_id(), states, size + 1);
  size_t bytes = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    bytes += tasks[i].task->ByteSizeLong();
    if (i == size || (i > 0 && bytes > kMaxPageBytes)) {
      response->set_next_page_token(rpc::MakePageToken(ListKey(*tasks[i - 1].task), query, caller));
      break;
    }
    *response->add_tasks() = tasks[i].Shown();
  }
  return absl::OkStatus();
}

ServerUnaryReactor* TaskService::WaitTask(CallbackServerContext* context,
                                          const v1::WaitTaskRequest* request,
                                          v1::WaitTaskResponse* response) {
  (void)context;
  return TaskWait::Start(registry_, drain_, *request, response);
}

grpc::ServerWriteReactor<v1::WatchTasksResponse>* TaskService::WatchTasks(
    CallbackServerContext* context, const v1::WatchTasksRequest* request) {
  (void)context;
  return TaskWatch::Start(registry_, drain_, *request, options_.watch_limit);
}

ServerUnaryReactor* TaskService::StopTask(CallbackServerContext* context,
                                          const v1::StopTaskRequest* request,
                                          v1::StopTaskResponse* response) {
  absl::StatusOr<Owner> owner = OwnerOf(*context, request->task_id());
  if (!owner.ok()) return Answer(context, owner.status());
  const std::string node_id = owner->target.node_id;
  return UnaryForward<v1::StopTaskRequest, v1::StopTaskResponse>::Start(
      context, std::move(owner->target), &Async::StopTask, request, response,
      [node_id](const grpc::Status& status) { return AnswerOf(node_id, status); });
}

ServerUnaryReactor* TaskService::SignalTask(CallbackServerContext* context,
                                            const v1::SignalTaskRequest* request,
                                            v1::SignalTaskResponse* response) {
  absl::StatusOr<Owner> owner = OwnerOf(*context, request->task_id());
  if (!owner.ok()) return Answer(context, owner.status());
  const std::string node_id = owner->target.node_id;
  return UnaryForward<v1::SignalTaskRequest, v1::SignalTaskResponse>::Start(
      context, std::move(owner->target), &Async::SignalTask, request, response,
      [node_id](const grpc::Status& status) { return AnswerOf(node_id, status); });
}

ServerUnaryReactor* TaskService::DestroyTask(CallbackServerContext* context,
                                             const v1::DestroyTaskRequest* request,
                                             v1::DestroyTaskResponse* response) {
  absl::StatusOr<Owner> owner = OwnerOf(*context, request->task_id());
  if (absl::IsNotFound(owner.status()) && request->allow_missing()) {
    return Answer(context, absl::OkStatus());
  }
  if (!owner.ok()) return Answer(context, owner.status());
  const auto forget = [this, task = owner->known.task](const grpc::Status& status) {
    if (status.ok()) registry_->Forget(*task);
    return AnswerOf(task->node_id(), status);
  };
  return UnaryForward<v1::DestroyTaskRequest, v1::DestroyTaskResponse>::Start(
      context, std::move(owner->target), &Async::DestroyTask, request, response, forget);
}

grpc::ServerWriteReactor<v1::ReadLogsResponse>* TaskService::ReadLogs(
    CallbackServerContext* context, const v1::ReadLogsRequest* request) {
  absl::StatusOr<Owner> owner = OwnerOf(*context, request->task_id());
  if (!owner.ok()) return new FailedStream<v1::ReadLogsResponse>(owner.status());
  return StreamForward<v1::ReadLogsRequest, v1::ReadLogsResponse>::Start(
      context, std::move(owner->target), &Async::ReadLogs, request, drain_);
}

ServerUnaryReactor* TaskService::ListFiles(CallbackServerContext* context,
                                           const v1::ListFilesRequest* request,
                                           v1::ListFilesResponse* response) {
  absl::StatusOr<Owner> owner = OwnerOf(*context, request->task_id());
  if (!owner.ok()) return Answer(context, owner.status());
  const std::string node_id = owner->target.node_id;
  return UnaryForward<v1::ListFilesRequest, v1::ListFilesResponse>::Start(
      context, std::move(owner->target), &Async::ListFiles, request, response,
      [node_id](const grpc::Status& status) { return AnswerOf(node_id, status); });
}

ServerUnaryReactor* TaskService::StatFile(CallbackServerContext* context,
                                          const v1::StatFileRequest* request,
                                          v1::StatFileResponse* response) {
  absl::StatusOr<Owner> owner = OwnerOf(*context, request->task_id());
  if (!owner.ok()) return Answer(context, owner.status());
  const std::string node_id = owner->target.node_id;
  return UnaryForward<v1::StatFileRequest, v1::StatFileResponse>::Start(
      context, std::move(owner->target), &Async::StatFile, request, response,
      [node_id](const grpc::Status& status) { return AnswerOf(node_id, status); });
}

grpc::ServerWriteReactor<v1::ReadFileResponse>* TaskService::ReadFile(
    CallbackServerContext* context, const v1::ReadFileRequest* request) {
  absl::StatusOr<Owner> owner = OwnerOf(*context, request->task_id());
  if (!owner.ok()) return new FailedStream<v1::ReadFileResponse>(owner.status());
  return StreamForward<v1::ReadFileRequest, v1::ReadFileResponse>::Start(
      context, std::move(owner->target), &Async::ReadFile, request, drain_);
}

grpc::ServerReadReactor<v1::PutFileRequest>* TaskService::PutFile(CallbackServerContext* context,
                                                                  v1::PutFileResponse* response) {
  const auto target_of =
      [this, context](const v1::PutFileRequest& first) -> absl::StatusOr<ForwardTarget> {
    CLOISTER_ASSIGN_OR_RETURN(Owner owner, OwnerOf(*context, first.header().task_id()));
    return std::move(owner.target);
  };
  return UploadForward<v1::PutFileRequest, v1::PutFileResponse>::Start(
      context, target_of, &Async::PutFile, response, drain_);
}

template <typename Request, typename Response>
ServerUnaryReactor* TaskService::ForwardToNode(
    CallbackServerContext* context, typename UnaryForward<Request, Response>::Method method,
    const Request* request, Response* response) const {
  const absl::StatusOr<std::string> node_id = registry_->AnyReadyNode(request->node_id());
  if (!node_id.ok()) return Answer(context, node_id.status());
  absl::StatusOr<ForwardTarget> target = TargetFor(*context, *node_id);
  if (!target.ok()) return Answer(context, target.status());
  return UnaryForward<Request, Response>::Start(
      context, *std::move(target), method, request, response,
      [node_id = *node_id](const grpc::Status& status) { return AnswerOf(node_id, status); });
}

ServerUnaryReactor* TaskService::ExplainTask(CallbackServerContext* context,
                                             const v1::ExplainTaskRequest* request,
                                             v1::ExplainTaskResponse* response) {
  return ForwardToNode<v1::ExplainTaskRequest, v1::ExplainTaskResponse>(
      context, &Async::ExplainTask, request, response);
}

ServerUnaryReactor* TaskService::ListArtifacts(CallbackServerContext* context,
                                               const v1::ListArtifactsRequest* request,
                                               v1::ListArtifactsResponse* response) {
  return ForwardToNode<v1::ListArtifactsRequest, v1::ListArtifactsResponse>(
      context, &Async::ListArtifacts, request, response);
}

ServerUnaryReactor* TaskService::FetchArtifact(CallbackServerContext* context,
                                               const v1::FetchArtifactRequest* request,
                                               v1::FetchArtifactResponse* response) {
  return ForwardToNode<v1::FetchArtifactRequest, v1::FetchArtifactResponse>(
      context, &Async::FetchArtifact, request, response);
}

ServerUnaryReactor* TaskService::PruneArtifacts(CallbackServerContext* context,
                                                const v1::PruneArtifactsRequest* request,
                                                v1::PruneArtifactsResponse* response) {
  return ForwardToNode<v1::PruneArtifactsRequest, v1::PruneArtifactsResponse>(
      context, &Async::PruneArtifacts, request, response);
}

absl::StatusOr<TaskService::Owner> TaskService::OwnerOf(const grpc::ServerContextBase& context,
                                                        absl::string_view task_id) const {
  CLOISTER_ASSIGN_OR_RETURN(KnownTask known, registry_->Locate(task_id));
  const std::string& node_id = known.task->node_id();
  if (known.node_unreachable) return NodeUnreachable(node_id, "its session is gone");
  CLOISTER_ASSIGN_OR_RETURN(ForwardTarget target, TargetFor(context, node_id));
  return Owner{std::move(known), std::move(target)};
}

absl::StatusOr<ForwardTarget> TaskService::TargetFor(const grpc::ServerContextBase& context,
                                                     const std::string& node_id) const {
  CLOISTER_ASSIGN_OR_RETURN(ExecutorStub stub, connections_->Find(node_id));
  CLOISTER_ASSIGN_OR_RETURN(rpc::Principal principal, options_.caller_of(context));
  return ForwardTarget{node_id, std::move(stub), std::move(principal)};
}

}  // namespace cloister::frontend
