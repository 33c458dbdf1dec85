// ReadLogsCall: one ReadLogs stream: a task's output as bytes, by absolute offset, as fast as its
// client reads it.
#ifndef CLOISTER_SERVICES_EXECUTOR_READ_LOGS_CALL_H_
#define CLOISTER_SERVICES_EXECUTOR_READ_LOGS_CALL_H_

#include <grpcpp/support/server_callback.h>

#include "cloister/v1/task_service.pb.h"
#include "libs/engine/engine.h"
#include "libs/rpc/drain_signal.h"

namespace cloister::executor {

// Engine and drain signal outlive the call.
grpc::ServerWriteReactor<v1::ReadLogsResponse>* OpenReadLogsCall(engine::Engine* engine,
                                                                 const v1::ReadLogsRequest& request,
                                                                 rpc::DrainSignal* drain);

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_READ_LOGS_CALL_H_
