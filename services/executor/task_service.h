// TaskService of one node: the engine, spoken to over gRPC. No call holds a thread while it waits
// for a task.
#ifndef CLOISTER_SERVICES_EXECUTOR_TASK_SERVICE_H_
#define CLOISTER_SERVICES_EXECUTOR_TASK_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cloister/v1/task_service.grpc.pb.h"
#include "libs/base/clock.h"
#include "libs/engine/engine.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/drain_signal.h"
#include "services/executor/artifact_calls.h"
#include "services/executor/file_calls.h"
#include "services/executor/recent_requests.h"

namespace cloister::executor {

// Callers are authorised before a handler runs (libs/rpc/guarded_service.h).
class TaskService final : public v1::TaskService::CallbackService {
 public:
  // All of it outlives the service, and the service its server.
  TaskService(std::string node_id, engine::Engine* engine, const rpc::Authorizer* authorizer,
              rpc::DrainSignal* drain, const Clock* clock, NodeArtifactParts artifacts = {});

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
  absl::StatusOr<engine::StartCommand> MakeStart(const grpc::ServerContextBase& context,
                                                 const v1::StartTaskRequest& request) const;
  // Of a call that may last: what ends it beside its answer.
  template <typename Call>
  void LimitWait(const grpc::ServerContextBase& context, Call* call) const;
  absl::Status FillList(const grpc::ServerContextBase& context, const v1::ListTasksRequest& request,
                        v1::ListTasksResponse* response) const;
  absl::Status Stop(const v1::StopTaskRequest& request, v1::StopTaskResponse* response) const;
  // True if there is nothing left to do: it was delivered before.
  absl::StatusOr<bool> WasSignalled(const std::string& principal,
                                    const v1::SignalTaskRequest& request) const;
  absl::Status Explain(const v1::ExplainTaskRequest& request,
                       v1::ExplainTaskResponse* response) const;

  const std::string node_id_;
  engine::Engine* const engine_;
  const rpc::Authorizer* const authorizer_;
  rpc::DrainSignal* const drain_;
  const Clock* const clock_;
  RecentRequests signals_;
  FileCalls files_;
  ArtifactCalls artifacts_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_TASK_SERVICE_H_
