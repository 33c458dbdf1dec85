// The request of a task that runs a command, with an id of its own; the test adds what it is about.
#ifndef CLOISTER_TESTS_TESTING_TASK_REQUEST_H_
#define CLOISTER_TESTS_TESTING_TASK_REQUEST_H_

#include <string>
#include <vector>

#include "cloister/v1/task_service.grpc.pb.h"

namespace cloister {

// `command` is the program and its arguments.
v1::StartTaskRequest TaskRequest(const std::vector<std::string>& command);

}  // namespace cloister

#endif  // CLOISTER_TESTS_TESTING_TASK_REQUEST_H_
