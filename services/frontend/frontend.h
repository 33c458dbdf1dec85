// Frontend: the registry and the services over it, put together. A server of whatever transport
// serves them.
#ifndef CLOISTER_SERVICES_FRONTEND_FRONTEND_H_
#define CLOISTER_SERVICES_FRONTEND_FRONTEND_H_

#include <cstddef>

#include "cloister/v1/node_service.grpc.pb.h"
#include "cloister/v1/node_session.grpc.pb.h"
#include "cloister/v1/task_service.grpc.pb.h"
#include "libs/base/clock.h"
#include "libs/rpc/drain_signal.h"
#include "services/frontend/caller.h"
#include "services/frontend/executor_connections.h"
#include "services/frontend/join_sessions.h"
#include "services/frontend/node_registry.h"
#include "services/frontend/node_service.h"
#include "services/frontend/node_session_service.h"
#include "services/frontend/task_service.h"

namespace cloister::frontend {

// Outlives the server of its services. Keeps nothing on disk (docs/frontend.md).
class Frontend {
 public:
  struct Options {
    TaskService::Options task_service;
    JoinOptions join;
    ExecutorConnections::Dial dial;
  };

  // When `drain` fires, waits, watches, log streams and sessions end with UNAVAILABLE; tasks go on.
  // Both outlive the frontend.
  Frontend(Options options, rpc::DrainSignal* drain, const Clock* clock);
  Frontend(const Frontend&) = delete;
  Frontend& operator=(const Frontend&) = delete;

  v1::TaskService::CallbackService* task_service() { return &task_service_; }
  v1::NodeService::CallbackService* node_service() { return &node_service_; }
  v1::NodeSession::CallbackService* node_session_service() { return &node_session_service_; }

  // Waits and watches that are open.
  size_t subscribers() const { return registry_.subscribers(); }

 private:
  NodeRegistry registry_;
  ExecutorConnections connections_;
  TaskService task_service_;
  NodeService node_service_;
  NodeSessionService node_session_service_;
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_FRONTEND_H_
