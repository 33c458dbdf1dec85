// FileCalls: ListFiles, StatFile, ReadFile and PutFile of one node. Nothing of a task is opened in
// this process: a joiner does it (libs/engine/task_joiner.h), and this passes on what it says.
#ifndef CLOISTER_SERVICES_EXECUTOR_FILE_CALLS_H_
#define CLOISTER_SERVICES_EXECUTOR_FILE_CALLS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cloister/v1/task_service.pb.h"
#include "libs/engine/engine.h"
#include "libs/files/readiness_loop.h"
#include "libs/rpc/drain_signal.h"

namespace cloister::executor {

// Outlives its calls; engine and drain signal outlive it.
class FileCalls {
 public:
  FileCalls(engine::Engine* engine, rpc::DrainSignal* drain);

  // `principal`: of the caller, to whom page tokens are bound.
  grpc::ServerUnaryReactor* List(const grpc::CallbackServerContext& context,
                                 const std::string& principal, const v1::ListFilesRequest& request,
                                 v1::ListFilesResponse* response);
  grpc::ServerUnaryReactor* Stat(const grpc::CallbackServerContext& context,
                                 const v1::StatFileRequest& request,
                                 v1::StatFileResponse* response);
  grpc::ServerWriteReactor<v1::ReadFileResponse>* Read(const grpc::CallbackServerContext& context,
                                                       const v1::ReadFileRequest& request);
  grpc::ServerReadReactor<v1::PutFileRequest>* Put(const grpc::CallbackServerContext& context,
                                                   v1::PutFileResponse* response);

 private:
  engine::Engine* const engine_;
  rpc::DrainSignal* const drain_;
  const absl::StatusOr<std::unique_ptr<files::ReadinessLoop>> loop_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_FILE_CALLS_H_
