// TaskService of the cluster. What a node must do or knows best is forwarded to the task's node;
// lists, waits and watches are answered from what the nodes tell. No call holds a thread.
#ifndef CLOISTER_SERVICES_FRONTEND_TASK_SERVICE_H_
#define CLOISTER_SERVICES_FRONTEND_TASK_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cloister/v1/task_service.grpc.pb.h"
#include "libs/rpc/drain_signal.h"
#include "services/frontend/caller.h"
#include "services/frontend/executor_connections.h"
#include "services/frontend/forward_call.h"
#include "services/frontend/forward_unary.h"
#include "services/frontend/node_registry.h"

namespace cloister::frontend {

class TaskService final : public v1::TaskService::CallbackService {
 public:
  struct Options {
    CallerOf caller_of;
    // Most events that wait for one reader of WatchTasks.
    size_t watch_limit = 16384;
  };

  // All outlive the service, and the service its server.
  TaskService(Options options, NodeRegistry* registry, ExecutorConnections* connections,
              rpc::DrainSignal* drain)
      : options_(std::move(options)),
        registry_(registry),
        connections_(connections),
        drain_(drain) {}

  grpc::ServerUnaryReactor* StartTask(grpc::CallbackServerContext* context,
                                      const v1::StartTaskRequest* request,
                                      v1::StartTaskResponse* response) override;
  grpc::ServerUnaryReactor* GetTask(grpc::CallbackServerContext* context,
                                    const v1::GetTaskRequest* request,
                                    v1::GetTaskResponse* response) override;
  grpc::ServerUnaryReactor* ListTasks(grpc::CallbackServerContext* context,
                                      const v1::ListTasksRequest* request,
                                      v1::ListTasksResponse* response) override;
  grpc::ServerUnaryReactor* WaitTask(grpc::CallbackServerContext* context,
                                     const v1::WaitTaskRequest* request,
                                     v1::WaitTaskResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchTasksResponse>* WatchTasks(
      grpc::CallbackServerContext* context, const v1::WatchTasksRequest* request) override;
  grpc::ServerUnaryReactor* StopTask(grpc::CallbackServerContext* context,
                                     const v1::StopTaskRequest* request,
                                     v1::StopTaskResponse* response) override;
  grpc::ServerUnaryReactor* SignalTask(grpc::CallbackServerContext* context,
                                       const v1::SignalTaskRequest* request,
                                       v1::SignalTaskResponse* response) override;
  grpc::ServerUnaryReactor* DestroyTask(grpc::CallbackServerContext* context,
                                        const v1::DestroyTaskRequest* request,
                                        v1::DestroyTaskResponse* response) override;
  grpc::ServerWriteReactor<v1::ReadLogsResponse>* ReadLogs(
      grpc::CallbackServerContext* context, const v1::ReadLogsRequest* request) override;
  grpc::ServerUnaryReactor* ListFiles(grpc::CallbackServerContext* context,
                                      const v1::ListFilesRequest* request,
                                      v1::ListFilesResponse* response) override;
  grpc::ServerUnaryReactor* StatFile(grpc::CallbackServerContext* context,
                                     const v1::StatFileRequest* request,
                                     v1::StatFileResponse* response) override;
  grpc::ServerWriteReactor<v1::ReadFileResponse>* ReadFile(
      grpc::CallbackServerContext* context, const v1::ReadFileRequest* request) override;
  grpc::ServerReadReactor<v1::PutFileRequest>* PutFile(grpc::CallbackServerContext* context,
                                                       v1::PutFileResponse* response) override;
  grpc::ServerUnaryReactor* ExplainTask(grpc::CallbackServerContext* context,
                                        const v1::ExplainTaskRequest* request,
                                        v1::ExplainTaskResponse* response) override;
  grpc::ServerUnaryReactor* ListArtifacts(grpc::CallbackServerContext* context,
                                          const v1::ListArtifactsRequest* request,
                                          v1::ListArtifactsResponse* response) override;
  grpc::ServerUnaryReactor* FetchArtifact(grpc::CallbackServerContext* context,
                                          const v1::FetchArtifactRequest* request,
                                          v1::FetchArtifactResponse* response) override;
  grpc::ServerUnaryReactor* PruneArtifacts(grpc::CallbackServerContext* context,
                                           const v1::PruneArtifactsRequest* request,
                                           v1::PruneArtifactsResponse* response) override;

 private:
  struct Owner {
    KnownTask known;
    ForwardTarget target;
  };
  // The task's node, reachable, for this caller.
  absl::StatusOr<Owner> OwnerOf(const grpc::ServerContextBase& context,
                                absl::string_view task_id) const;
  absl::StatusOr<ForwardTarget> TargetFor(const grpc::ServerContextBase& context,
                                          const std::string& node_id) const;
  // A call that is not about a task, to the node that it names, or to any.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* ForwardToNode(grpc::CallbackServerContext* context,
                                          typename UnaryForward<Request, Response>::Method method,
                                          const Request* request, Response* response) const;
  absl::Status FillList(const grpc::ServerContextBase& context, const v1::ListTasksRequest& request,
                        v1::ListTasksResponse* response) const;

  const Options options_;
  NodeRegistry* const registry_;
  ExecutorConnections* const connections_;
  rpc::DrainSignal* const drain_;
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_TASK_SERVICE_H_
