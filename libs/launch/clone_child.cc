#include "libs/launch/clone_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/launch/clone3.h"

namespace cloister {
namespace launch {
namespace {

constexpr size_t kGuardBytes = 4096;
constexpr size_t kStackBytes = 64 * 1024;

// Of a child that clone(2) made.
struct ClonedByClone {
  const SignalsHeld* held;
  const ChildContext* context;
};

[[noreturn]] void RunClonedByClone(const ClonedByClone* child) {
  child->held->Clear();
  RunChild(child->context);
}

// Where there is no clone3(2). The child is not born in its v2 cgroup but joins it as it joins
// those of v1, before it does anything else; that takes the kernel longer and comes to the same.
absl::StatusOr<long> CloneWithoutClone3(const clone_args& arguments, const ChildContext& context,
                                        int cgroup_fd) {
  ChildContext joining = context;
  OwnedFd processes;
  if (cgroup_fd >= 0) {
    processes = OwnedFd(openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    if (!processes.valid()) return ErrnoStatus(errno, "cgroup.procs");
    if (joining.join_count == kMaxJoins) return ErrnoStatus(E2BIG, "cgroup.procs");
    joining.joins[joining.join_count++] = processes.get();
  }
  const SignalsHeld held;
  const ClonedByClone child = {&held, &joining};
  return CloneByClone(arguments, &RunClonedByClone, &child);
}

}  // namespace

ChildStack::ChildStack() : size_(kStackBytes) {
  void* mapping = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (mapping == MAP_FAILED || mprotect(mapping, kGuardBytes, PROT_NONE) != 0) std::abort();
  base_ = static_cast<char*>(mapping) + kGuardBytes;
}

ChildStack::~ChildStack() {
  munmap(static_cast<char*>(base_) - kGuardBytes, kGuardBytes + kStackBytes);
}

absl::StatusOr<ClonedChild> CloneChild(const ChildContext& context, uint64_t namespaces,
                                       int cgroup_fd, const ChildStack& stack) {
  int pidfd = -1;
  clone_args arguments;
  std::memset(&arguments, 0, sizeof(arguments));
  // CLEAR_SIGHAND: while it shares our memory no handler of ours may run in the child.
  arguments.flags =
      CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | namespaces;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<uint64_t>(stack.base());
  arguments.stack_size = stack.size();
  if (cgroup_fd >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(cgroup_fd);
  }
  long pid = Clone3(&arguments, &RunChild, &context);
  if (pid == -ENOSYS) {
    CLOISTER_ASSIGN_OR_RETURN(pid, CloneWithoutClone3(arguments, context, cgroup_fd));
  }
  if (pid < 0) return ErrnoStatus(static_cast<int>(-pid), "clone");
  return ClonedChild{static_cast<pid_t>(pid), PidFd(OwnedFd(pidfd))};
}

}  // namespace launch
}  // namespace cloister
