#include "libs/launch/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/launch/clone3.h"
#include "libs/os/pidfd.h"
#include "libs/os/raw_syscall.h"

namespace cloister {
namespace launch {
namespace {

constexpr size_t kStackBytes = 4096;
constexpr uint32_t kKeep = ~uint32_t{0};

struct Parked {
  pid_t pid;
  PidFd pidfd;
};

[[noreturn]] void Park(const void*) {
  for (;;) RawSyscall(__NR_pause);
}

// Of this thread alone; libc's wrapper changes them all. What it can do stays, as far as it is
// permitted.
int BecomeEffectively(uint32_t uid) {
  if (syscall(SYS_setresuid, kKeep, uid, kKeep) != 0) return errno;
  // The change has made the memory, the launcher's, what fs.suid_dumpable says. Until here the real
  // and the saved uid, which are still the launcher's, keep out whoever is `uid` (ptrace(2)).
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return errno;
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) return errno;
  for (__user_cap_data_struct& word : data) word.effective = word.permitted;
  return syscall(SYS_capset, &header, data) == 0 ? 0 : errno;
}

// `stack` is the child's until it is reaped.
absl::StatusOr<Parked> StartInNamespace(uint32_t owner, char* stack) {
  const uint32_t self = geteuid();
  int pidfd = -1;
  clone_args arguments;
  std::memset(&arguments, 0, sizeof(arguments));
  arguments.flags = CLONE_VM | CLONE_FILES | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_NEWUSER;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<uint64_t>(stack);
  arguments.stack_size = kStackBytes;
  int error = BecomeEffectively(owner);
  long pid = 0;
  if (error == 0) {
    pid = Clone3(&arguments, &Park, static_cast<const void*>(nullptr));
    if (pid == -ENOSYS) {
      // It keeps all signals blocked; SIGKILL cannot be.
      const SignalsHeld held;
      pid = CloneByClone(arguments, &Park, static_cast<const void*>(nullptr));
    }
    if (pid < 0) error = static_cast<int>(-pid);
  }
  // A thread that stays who it is not would launch the next task as that.
  if (BecomeEffectively(self) != 0) std::abort();
  if (error != 0) return ErrnoStatus(error, "new user namespace");
  return Parked{static_cast<pid_t>(pid), PidFd(OwnedFd(pidfd))};
}

absl::Status WriteFile(const std::string& path, const std::string& text) {
  const OwnedFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, path);
  if (write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, absl::StrCat("id map '", text, "'"));
}

// Nobody has reaped it, so the pid is its. As the maps are written by whoever may, groups can be
// set inside.
absl::StatusOr<OwnedFd> MapAndOpen(const Parked& parked, const IdMaps& maps) {
  const std::string process = absl::StrCat("/proc/", parked.pid);
  CLOISTER_RETURN_IF_ERROR(WriteFile(absl::StrCat(process, "/uid_map"), maps.uid));
  CLOISTER_RETURN_IF_ERROR(WriteFile(absl::StrCat(process, "/gid_map"), maps.gid));
  const std::string path = absl::StrCat(process, "/ns/user");
  OwnedFd user_namespace(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!user_namespace.valid()) return ErrnoStatus(errno, path);
  return user_namespace;
}

// Without any the kernel maps no mount: then one that no file has, the last but the invalid one.
std::string VolumeMap(const google::protobuf::RepeatedField<uint32_t>& ids, uint32_t first) {
  if (ids.empty()) return absl::StrCat(UINT32_MAX - 1, " ", first, " 1");
  std::string map;
  for (uint32_t id : ids) absl::StrAppend(&map, id, " ", first + id, " 1\n");
  return map;
}

}  // namespace

absl::StatusOr<OwnedFd> MakeUserNamespace(uint32_t owner, const IdMaps& maps) {
  alignas(16) char stack[kStackBytes];
  CLOISTER_ASSIGN_OR_RETURN(const Parked parked, StartInNamespace(owner, stack));
  absl::StatusOr<OwnedFd> user_namespace = MapAndOpen(parked, maps);
  const absl::Status killed = parked.pidfd.Signal(SIGKILL);
  // It runs on our stack.
  if (!killed.ok() || !parked.pidfd.WaitAndReap().ok()) std::abort();
  return user_namespace;
}

absl::StatusOr<OwnedFd> MakeRangeNamespace(uint32_t first, uint32_t count) {
  const std::string map = absl::StrCat("0 ", first, " ", count);
  return MakeUserNamespace(first, {map, map});
}

absl::StatusOr<OwnedFd> MakeTaskNamespace(const internal::Identity& identity) {
  const internal::Identity::UserNamespace& space = identity.user_namespace();
  return MakeRangeNamespace(space.first(), space.count());
}

absl::StatusOr<OwnedFd> MakeVolumeNamespace(const internal::Identity& identity) {
  const internal::Identity::UserNamespace& space = identity.user_namespace();
  const IdMaps maps = {VolumeMap(space.volume_uids(), space.first()),
                       VolumeMap(space.volume_gids(), space.first())};
  return MakeUserNamespace(space.first(), maps);
}

}  // namespace launch
}  // namespace cloister
