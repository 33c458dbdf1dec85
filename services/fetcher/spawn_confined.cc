#include "services/fetcher/spawn_confined.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/launch/clone3.h"

namespace cloister::fetcher {
namespace {

absl::Status WriteProcFile(int pid, const char* name, const std::string& text) {
  const std::string path = absl::StrCat("/proc/", pid, "/", name);
  const OwnedFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, name);
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return ErrnoStatus(errno, absl::StrCat(name, ": '", text, "'"));
  }
  return absl::OkStatus();
}

// Groups first: without root nobody may map a group who could still set others. The child is ours
// and not reaped, so that the pid is its own.
absl::Status WriteMaps(int pid, ConfinedIds ids) {
  CLOISTER_RETURN_IF_ERROR(WriteProcFile(pid, "setgroups", "deny"));
  CLOISTER_RETURN_IF_ERROR(
      WriteProcFile(pid, "gid_map", absl::StrCat(kInsideId, " ", ids.gid, " 1")));
  return WriteProcFile(pid, "uid_map", absl::StrCat(kInsideId, " ", ids.uid, " 1"));
}

struct Barrier {
  OwnedFd read_end;
  OwnedFd write_end;
};

// Above the numbers that the child's own come to.
absl::StatusOr<Barrier> MakeBarrier() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "barrier");
  const OwnedFd low(ends[0]);
  Barrier barrier;
  barrier.write_end = OwnedFd(ends[1]);
  barrier.read_end = OwnedFd(fcntl(low.get(), F_DUPFD_CLOEXEC, kFirstForeignFd));
  if (!barrier.read_end.valid()) return ErrnoStatus(errno, "barrier");
  return barrier;
}

// Of the C library's own record of the main thread's id, so that the child's is right as well.
uint64_t ThreadIdPlace() {
  int* place = nullptr;
  if (prctl(PR_GET_TID_ADDRESS, &place, 0, 0, 0) != 0) return 0;
  return reinterpret_cast<uint64_t>(place);
}

long Clone3(uint64_t namespaces, int cgroup, int* pidfd) {
  clone_args arguments;
  std::memset(&arguments, 0, sizeof(arguments));
  arguments.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | namespaces;
  arguments.pidfd = reinterpret_cast<uint64_t>(pidfd);
  arguments.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(cgroup);
  }
  const uint64_t thread_id = ThreadIdPlace();
  if (thread_id != 0) {
    arguments.flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    arguments.child_tid = thread_id;
  }
  return syscall(SYS_clone3, &arguments, sizeof(arguments));
}

// Where there is no clone3(2). What clone(2) cannot be told the child does: its signals' handlers
// are for SignalsHeld, and it joins its v2 cgroup as it joins those of v1.
long Clone(uint64_t namespaces, const launch::SignalsHeld& held, int* pidfd) {
  const uint64_t thread_id = ThreadIdPlace();
  uint64_t flags = CLONE_PIDFD | namespaces | SIGCHLD;
  if (thread_id != 0) flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  const long pid = syscall(SYS_clone, flags, nullptr, pidfd, thread_id, nullptr);
  if (pid == 0) held.Clear();
  return pid;
}

absl::StatusOr<OwnedFd> OpenProcesses(int cgroup) {
  if (cgroup < 0) return OwnedFd();
  const OwnedFd low(openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
  OwnedFd high(low.valid() ? fcntl(low.get(), F_DUPFD_CLOEXEC, kFirstForeignFd) : -1);
  if (!high.valid()) return ErrnoStatus(errno, "cgroup.procs");
  return high;
}

}  // namespace

absl::StatusOr<PidFd> SpawnConfined(Confinement confinement, ConfinedIds ids, int cgroup,
                                    absl::FunctionRef<int()> run,
                                    absl::FunctionRef<void(const ConfineOutcome&)> failed) {
  uint64_t namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
  if (confinement.role != Confinement::Role::kBroker) namespaces |= CLONE_NEWNET;
  CLOISTER_ASSIGN_OR_RETURN(Barrier barrier, MakeBarrier());
  confinement.barrier = barrier.read_end.get();
  int pidfd = -1;
  OwnedFd processes;
  long pid = Clone3(namespaces, cgroup, &pidfd);
  if (pid < 0 && errno == ENOSYS) {
    CLOISTER_ASSIGN_OR_RETURN(processes, OpenProcesses(cgroup));
    if (processes.valid()) confinement.joins.push_back(processes.get());
    pid = Clone(namespaces, launch::SignalsHeld(), &pidfd);
  }
  if (pid < 0) return ErrnoStatus(errno, "clone with namespaces of its own");
  if (pid == 0) {
    // Should the zygote end, BARRIER is to see the end of file.
    barrier.write_end.reset();
    const ConfineOutcome outcome = Confine(confinement);
    if (outcome.error_number != 0) {
      failed(outcome);
      _exit(127);
    }
    _exit(run());
  }
  PidFd child{OwnedFd(pidfd)};
  absl::Status mapped = WriteMaps(static_cast<int>(pid), ids);
  if (mapped.ok() && write(barrier.write_end.get(), "m", 1) != 1) {
    mapped = ErrnoStatus(errno, "barrier");
  }
  if (mapped.ok()) return child;
  child.Signal(SIGKILL).IgnoreError();  // It may have ended.
  child.WaitAndReap().status().IgnoreError();
  return mapped;
}

}  // namespace cloister::fetcher
