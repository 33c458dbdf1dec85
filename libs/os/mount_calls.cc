#include "libs/os/mount_calls.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cloister {

// Each is given nonsense, which only a call that is there can refuse.
bool HasMountCalls() {
  const auto is_there = [](long result) { return result >= 0 || errno != ENOSYS; };
  return is_there(syscall(SYS_open_tree, -1, "", ~0U)) &&
         is_there(syscall(SYS_move_mount, -1, "", -1, "", ~0U)) &&
         is_there(syscall(SYS_mount_setattr, -1, "", ~0U, nullptr, 0UL));
}

}  // namespace cloister
