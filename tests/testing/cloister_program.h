// The command line's own program, as a person runs it, and the services' flags: for tests declared
// with cloister_cluster_test (cluster_test.bzl), which bring them.
#ifndef CLOISTER_TESTS_TESTING_CLOISTER_PROGRAM_H_
#define CLOISTER_TESTS_TESTING_CLOISTER_PROGRAM_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace cloister {

struct Said {
  // 128 more than the signal that killed it.
  int code = -1;
  std::string out;
  std::string err;
};

// Runs `cloister WORDS...` to its end, with CLOISTER_ADDR and `input` on stdin, in the test's
// temporary directory.
absl::StatusOr<Said> RunCloister(const std::vector<std::string>& words, const std::string& address,
                                 const std::string& input = "");

// The same of another program that the test was given: "CLOISTER_TEST_EXECUTOR".
absl::StatusOr<Said> RunTestProgram(const std::string& variable,
                                    const std::vector<std::string>& words,
                                    const std::vector<std::string>& environment = {},
                                    const std::string& input = "");

// A file of the test's temporary directory with that text; its path.
absl::StatusOr<std::string> WriteTestFile(const std::string& name, const std::string& text);

}  // namespace cloister

#endif  // CLOISTER_TESTS_TESTING_CLOISTER_PROGRAM_H_
