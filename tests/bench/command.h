// A program that is run over and over. What posix_spawn(3) needs is made once, so that what is
// timed is the kernel's and the program's own time.
#ifndef CLOISTER_TESTS_BENCH_COMMAND_H_
#define CLOISTER_TESTS_BENCH_COMMAND_H_

#include <spawn.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"

namespace cloister::bench {

class Command {
 public:
  struct Options {
    // argv[0] is the program's path. Its environment is PATH alone.
    std::vector<std::string> argv;
    // A file that gets what it writes to stdout and stderr, behind what is there.
    std::string output;
    // Opened for each run, for reading, as descriptor 3; empty: none.
    std::string input_on_3;
  };

  static absl::StatusOr<std::unique_ptr<Command>> Make(Options options);
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  // Starts it and waits for its end. Thread-safe. INTERNAL, with the last lines of the output,
  // unless it exits with 0.
  absl::Status Run() const;

 private:
  Command(Options options, OwnedFd null, OwnedFd output);
  absl::Status Failed(const std::string& how) const;

  const Options options_;
  const OwnedFd null_;
  const OwnedFd output_;
  std::vector<char*> argv_;
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// The path of an installed program, looked for in the usual directories; NOT_FOUND if there is
// none.
absl::StatusOr<std::string> FindProgram(const std::string& name);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_COMMAND_H_
