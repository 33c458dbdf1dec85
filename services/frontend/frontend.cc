#include "services/frontend/frontend.h"

#include <utility>

namespace cloister::frontend {

Frontend::Frontend(Options options, const Clock* clock)
    : registry_(clock),
      connections_(std::move(options.dial)),
      task_service_(options.task_service, &registry_, &connections_, &open_calls_),
      node_service_(options.task_service.caller_name, &registry_),
      node_session_service_(std::move(options.join), {.registry = &registry_,
                                                      .connections = &connections_,
                                                      .open_calls = &open_calls_,
                                                      .clock = clock}) {}

std::vector<grpc::Service*> Frontend::services() {
  return {&task_service_, &node_service_, &node_session_service_};
}

}  // namespace cloister::frontend
