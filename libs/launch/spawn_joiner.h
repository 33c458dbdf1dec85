// Starts a joiner (services/joiner): the program that touches a task's files, with the task's
// rights and nothing else. All that needs rights (cgroup, mount namespace, ids) is done between
// clone and exec, so that the program itself never has any.
#ifndef CLOISTER_LIBS_LAUNCH_SPAWN_JOINER_H_
#define CLOISTER_LIBS_LAUNCH_SPAWN_JOINER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/cgroup/slot.h"
#include "libs/launch/task_owner.h"
#include "libs/os/pidfd.h"

namespace cloister {
namespace launch {

// Descriptors are borrowed, and none of them is one of LowFds.
struct JoinerPlace {
  // The program's sealed memfd, mode 0111, and its end of the executor's socket.
  int program = -1;
  int socket = -1;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;
  // Of a task with a user namespace of its own of one id: as in Identity. No groups are set then.
  IdMaps maps;
  // Of one with a range of ids: an ended one's is made anew (MakeTaskNamespace).
  bool id_range = false;
  int user_namespace = -1;

  // Of a live task: its init, whose mount namespace is entered, and its cgroup.
  int init = -1;
  cgroup::JoinFds cgroup;

  // Of an ended one: its directory, which becomes the root (it is root's and closed, so that no
  // absolute path leads anywhere), and what of files::kOwnDirectoryNames is in it; -1 for what is
  // not.
  int task_directory = -1;
  int directories[3] = {-1, -1, -1};
};

// The child is the caller's, and is to be reaped. It never shares memory with the caller: with
// pid_mode "host" there are tenants in the node's own pid namespace. What fails in it is told on
// the socket (files::kFrameFailed), as the joiner tells its own failures. INVALID_ARGUMENT for
// uid 0, unless it is that of a range of ids.
absl::StatusOr<PidFd> SpawnJoiner(const JoinerPlace& place);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_SPAWN_JOINER_H_
