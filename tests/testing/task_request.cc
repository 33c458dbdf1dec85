#include "tests/testing/task_request.h"

#include "libs/base/random_id.h"

namespace cloister {

v1::StartTaskRequest TaskRequest(const std::vector<std::string>& command) {
  v1::StartTaskRequest request;
  request.set_request_id(RandomId());
  v1::ExecConfig* config = request.mutable_config()->mutable_config();
  config->set_command(command.front());
  config->mutable_args()->Assign(command.begin() + 1, command.end());
  return request;
}

}  // namespace cloister
