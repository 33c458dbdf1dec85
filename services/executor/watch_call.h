// WatchCall: one WatchTasks stream: takes events from an engine's watch as fast as its client reads
// them.
#ifndef CLOISTER_SERVICES_EXECUTOR_WATCH_CALL_H_
#define CLOISTER_SERVICES_EXECUTOR_WATCH_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>

#include "cloister/v1/task_service.pb.h"
#include "libs/engine/engine.h"
#include "libs/rpc/drain_signal.h"

namespace cloister::executor {

// An empty `task_id` watches all tasks. Engine and drain signal outlive the call.
grpc::ServerWriteReactor<v1::WatchTasksResponse>* OpenWatchCall(engine::Engine* engine,
                                                                const std::string& task_id,
                                                                rpc::DrainSignal* drain);

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_WATCH_CALL_H_
