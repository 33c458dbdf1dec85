// The programs that cloister_cluster_test hands over to a test.
#ifndef CLOISTER_TESTS_TESTING_CLUSTER_RUNFILE_H_
#define CLOISTER_TESTS_TESTING_CLUSTER_RUNFILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace cloister {

// The absolute path of what the environment variable names, e.g. CLOISTER_TEST_EXECUTOR: a path as
// $(rootpath) gives it, relative to where the test is started.
absl::StatusOr<std::string> ClusterRunfile(const char* variable);

}  // namespace cloister

#endif  // CLOISTER_TESTS_TESTING_CLUSTER_RUNFILE_H_
