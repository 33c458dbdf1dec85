#include "libs/launch/spawn_joiner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstring>
#include <string>

#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/files/joiner_message.h"
#include "libs/launch/clone3.h"
#include "libs/os/close_from.h"
#include "libs/os/raw_syscall.h"

namespace cloister {
namespace launch {
namespace {

constexpr int kProgramFd = files::kFirstDirectoryFd + files::kRemainingDirectories;
constexpr uint64_t kMemoryBytes = 64 << 20;

// What the child works by: of its own copy of our memory.
struct ChildJob {
  const JoinerPlace* place;
  // Inode of our own "/": the task's is another.
  dev_t host_device;
  ino_t host_inode;
  // cgroup.procs of the v2 cgroup that it is not born in; -1: it is.
  int processes;
};

// A size below the first version's is refused before anything is looked at.
bool LacksClone3() { return RawSyscall(__NR_clone3, 0, 0) == -ENOSYS; }

// A copy of this process, on a copy of its stack.
long ForkWith(const clone_args& arguments) {
  const long pid = RawSyscall(__NR_clone3, Raw(&arguments), sizeof(arguments));
  if (pid != -ENOSYS) return pid;
  // clone(2) has not all the flags: see clone3.h. The cgroup is joined in JoinCgroup.
  const SignalsHeld held;
  const uint64_t unknown = CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
  const long child = RawSyscall(
      __NR_clone, static_cast<long>((arguments.flags & ~unknown) | arguments.exit_signal), 0,
      static_cast<long>(arguments.pidfd));
  if (child == 0) held.Clear();
  return child;
}

// So that it is limited with the task and killed with it. Before it does anything else.
long JoinCgroup(const ChildJob& job) {
  if (job.processes >= 0) {
    const long result = RawSyscall(__NR_write, job.processes, Raw("0"), 1);
    if (result < 0) return result;
  }
  for (int fd : job.place->cgroup.tasks) {
    const long result = RawSyscall(__NR_write, fd, Raw("0"), 1);
    if (result < 0) return result;
  }
  return 0;
}

// The root of a mount namespace is entered with it. That it is not the node's is made sure of, by
// what cannot be mistaken.
long EnterTask(const ChildJob& job) {
  long result = RawSyscall(__NR_setns, job.place->init, CLONE_NEWNS);
  if (result == 0) result = RawSyscall(__NR_chdir, Raw("/"));
  struct stat root;
  if (result == 0) result = RawSyscall(__NR_stat, Raw("/"), Raw(&root));
  if (result == 0 && root.st_dev == job.host_device && root.st_ino == job.host_inode) return -EXDEV;
  // After the mount namespace, which belongs to ours.
  if (result == 0 && (job.place->id_range || !job.place->maps.uid.empty())) {
    result = RawSyscall(__NR_setns, job.place->init, CLONE_NEWUSER);
  }
  return result;
}

long WriteMap(const char* path, const std::string& map) {
  const long file = RawSyscall(__NR_openat, AT_FDCWD, Raw(path), O_WRONLY | O_CLOEXEC);
  if (file < 0) return file;
  const long result = RawSyscall(__NR_write, file, Raw(map.data()), static_cast<long>(map.size()));
  RawSyscall(__NR_close, file);
  return result < 0 ? result : 0;
}

// The task's is gone: one like it, which the launcher's /proc is needed for.
long MakeUserNamespace(const JoinerPlace& place) {
  if (place.id_range) return RawSyscall(__NR_setns, place.user_namespace, CLONE_NEWUSER);
  const IdMaps& maps = place.maps;
  if (maps.uid.empty()) return 0;
  long result = RawSyscall(__NR_unshare, CLONE_NEWUSER);
  if (result == 0) result = WriteMap("/proc/self/uid_map", maps.uid);
  if (result == 0) result = WriteMap("/proc/self/gid_map", maps.gid);
  return result;
}

long EnterDirectory(const ChildJob& job) {
  long result = MakeUserNamespace(*job.place);
  if (result == 0) result = RawSyscall(__NR_fchdir, job.place->task_directory);
  if (result == 0) result = RawSyscall(__NR_chroot, Raw("."));
  return result;
}

long Enter(const ChildJob& job) {
  // Not the session and keyring of the launcher.
  RawSyscall(__NR_setsid);
  const long result = RawSyscall(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0);
  // A kernel without keyrings has none to leave.
  if (result < 0 && result != -ENOSYS) return result;
  return job.place->init >= 0 ? EnterTask(job) : EnterDirectory(job);
}

// After Enter, which was the last that needed the others.
long PlaceFds(const JoinerPlace& place) {
  long result = RawSyscall(__NR_dup3, place.socket, files::kJoinerSocketFd, 0);
  for (int fd : {1, 2}) RawSyscall(__NR_close, fd);
  for (int i = 0; result >= 0 && i < files::kRemainingDirectories; ++i) {
    const int number = files::kFirstDirectoryFd + i;
    if (place.directories[i] < 0) {
      RawSyscall(__NR_close, number);
    } else {
      result = RawSyscall(__NR_dup3, place.directories[i], number, 0);
    }
  }
  if (result >= 0) result = RawSyscall(__NR_dup3, place.program, kProgramFd, O_CLOEXEC);
  if (result >= 0) result = CloseFrom(kProgramFd + 1);
  return result;
}

long Limit(int resource, uint64_t value) {
  const uint64_t limit[2] = {value, value};
  return RawSyscall(__NR_prlimit64, 0, resource, Raw(&limit));
}

// Groups first, user last; the capability sets after it, as the inheritable one survives it, and
// the others are kept: they stop other processes of that user until what fs.suid_dumpable may have
// opened, a copy of the launcher's memory, is closed again.
long BecomeUser(const JoinerPlace& place) {
  long result = Limit(RLIMIT_CORE, 0);
  if (result == 0) result = Limit(RLIMIT_NOFILE, 16);
  if (result == 0) result = Limit(RLIMIT_AS, kMemoryBytes);
  if (result == 0 && place.maps.uid.empty()) {
    result = RawSyscall(__NR_setgroups, static_cast<long>(place.groups.size()),
                        Raw(place.groups.data()));
  }
  if (result == 0) result = RawSyscall(__NR_prctl, PR_SET_KEEPCAPS, 1);
  if (result == 0) result = RawSyscall(__NR_setresgid, place.gid, place.gid, place.gid);
  if (result == 0) result = RawSyscall(__NR_setresuid, place.uid, place.uid, place.uid);
  if (result == 0) result = RawSyscall(__NR_prctl, PR_SET_DUMPABLE, 0);
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  if (result == 0) result = RawSyscall(__NR_capset, Raw(&header), Raw(&none));
  if (result == 0) result = RawSyscall(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // The change of user clears it. The launcher's main thread lives as long as the launcher.
  if (result == 0) result = RawSyscall(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  RawSyscall(__NR_umask, 0077);
  return result;
}

long Execute(const JoinerPlace& place) {
  const char* const argv[] = {
      "cloister-joiner", place.init >= 0 ? files::kJoinerOfLiveTask : files::kJoinerOfEndedTask,
      nullptr};
  const char* const environment[] = {nullptr};
  return RawSyscall(__NR_execveat, kProgramFd, Raw(""), Raw(argv), Raw(environment), AT_EMPTY_PATH);
}

// In a copy of a threaded program: system calls only.
[[noreturn]] void RunChild(const ChildJob& job) {
  int socket = job.place->socket;
  files::JoinerStep step = files::kStepCgroup;
  long result = JoinCgroup(job);
  if (result == 0) {
    step = files::kStepEnter;
    result = Enter(job);
  }
  if (result == 0) {
    result = PlaceFds(*job.place);
    if (result >= 0) socket = files::kJoinerSocketFd;
  }
  if (result >= 0) {
    step = files::kStepIdentity;
    result = BecomeUser(*job.place);
  }
  if (result == 0) {
    step = files::kStepProgram;
    result = Execute(*job.place);
  }
  const files::FrameHeader failed = {
      files::kFrameFailed, step, static_cast<int32_t>(-result), 0, 0, 0};
  RawSyscall(__NR_sendto, socket, Raw(&failed), sizeof(failed), 0x4000 /* MSG_NOSIGNAL */);
  for (;;) RawSyscall(__NR_exit_group, 127);
}

}  // namespace

absl::StatusOr<PidFd> SpawnJoiner(const JoinerPlace& place) {
  if ((place.uid == 0 && !place.id_range) || place.gid == ~0U || place.uid == ~0U) {
    return absl::InvalidArgumentError("a joiner needs the ids of an ordinary user");
  }
  if (place.program <= kProgramFd || place.socket <= kProgramFd) {
    return absl::InvalidArgumentError("a joiner's descriptors must be high ones");
  }
  struct stat root;
  if (stat("/", &root) != 0) return ErrnoStatus(errno, "stat '/'");
  OwnedFd processes;
  if (place.cgroup.clone_into >= 0 && LacksClone3()) {
    processes = OwnedFd(openat(place.cgroup.clone_into, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    if (!processes.valid()) return ErrnoStatus(errno, "cgroup.procs");
  }
  const ChildJob job = {&place, root.st_dev, root.st_ino, processes.valid() ? processes.get() : -1};
  int pidfd = -1;
  clone_args arguments;
  std::memset(&arguments, 0, sizeof(arguments));
  // No CLONE_VM, no CLONE_FILES: see the header. No CLONE_VFORK either: nobody waits for its exec.
  arguments.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  if (place.cgroup.clone_into >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(place.cgroup.clone_into);
  }
  const long pid = ForkWith(arguments);
  if (pid < 0) return ErrnoStatus(static_cast<int>(-pid), "clone");
  if (pid == 0) RunChild(job);
  return PidFd(OwnedFd(pidfd));
}

}  // namespace launch
}  // namespace cloister
