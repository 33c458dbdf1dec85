// Frontend: the registry and the services over it, put together. A server of whatever transport
// serves them.
#ifndef CLOISTER_SERVICES_FRONTEND_FRONTEND_H_
#define CLOISTER_SERVICES_FRONTEND_FRONTEND_H_

#include <grpcpp/impl/service_type.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "services/frontend/caller.h"
#include "services/frontend/executor_connections.h"
#include "services/frontend/join_sessions.h"
#include "services/frontend/node_registry.h"
#include "services/frontend/node_service.h"
#include "services/frontend/node_session_service.h"
#include "services/frontend/open_calls.h"
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

  // `clock` outlives the frontend.
  Frontend(Options options, const Clock* clock);
  Frontend(const Frontend&) = delete;
  Frontend& operator=(const Frontend&) = delete;

  std::vector<grpc::Service*> services();

  // Ends waits, watches, log streams and sessions with UNAVAILABLE, now and from now on: for a
  // server that stops. Tasks go on.
  void EndCalls() { open_calls_.EndAll(); }

  // Calls that last, for tests.
  size_t open_calls() const { return open_calls_.size(); }

 private:
  NodeRegistry registry_;
  ExecutorConnections connections_;
  OpenCalls open_calls_;
  TaskService task_service_;
  NodeService node_service_;
  NodeSessionService node_session_service_;
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_FRONTEND_H_
