#include "services/frontend/frontend.h"

#include <utility>

namespace cloister::frontend {

Frontend::Frontend(Options options, rpc::DrainSignal* drain, const Clock* clock)
    : registry_(clock),
      connections_(std::move(options.dial)),
      task_service_(options.task_service, &registry_, &connections_, drain),
      node_service_(options.task_service.caller_of, &registry_),
      node_session_service_(
          std::move(options.join),
          {.registry = &registry_, .connections = &connections_, .drain = drain, .clock = clock}) {}

}  // namespace cloister::frontend
