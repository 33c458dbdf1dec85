// Starts a program of ours by posix_spawn: the only way in which a multi-threaded process of
// Cloister makes another (gRPC does not survive fork without exec). Source: posix_spawn(3).
#ifndef CLOISTER_LIBS_OS_SPAWN_H_
#define CLOISTER_LIBS_OS_SPAWN_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/os/pidfd.h"

namespace cloister {

struct SpawnOptions {
  // argv[0] is the program's path.
  std::vector<std::string> argv;
  // "NAME=value"; nothing is inherited.
  std::vector<std::string> env;
  // {ours, theirs}: descriptors the program gets; all others are closed in it (all of ours are
  // CLOEXEC).
  std::vector<std::pair<int, int>> fds;
  // Own session, so that a terminal's signals do not reach it.
  bool new_session = false;
};

struct SpawnedProcess {
  pid_t pid;
  PidFd pidfd;
};

// Signal dispositions and mask of the program are the defaults. The caller is the parent and must
// reap it.
absl::StatusOr<SpawnedProcess> Spawn(const SpawnOptions& options);

}  // namespace cloister

#endif  // CLOISTER_LIBS_OS_SPAWN_H_
