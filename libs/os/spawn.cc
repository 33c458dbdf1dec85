#include "libs/os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"

namespace cloister {
namespace {

std::vector<char*> PointersTo(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// dup2 onto the wanted numbers in two rounds: a source may sit on a number that is another one's
// goal.
absl::Status AddFds(const SpawnOptions& options, std::vector<OwnedFd>* parked,
                    posix_spawn_file_actions_t* actions) {
  int highest = 2;
  for (const auto& fd : options.fds) highest = std::max(highest, fd.second);
  for (const auto& fd : options.fds) {
    OwnedFd copy(fcntl(fd.first, F_DUPFD_CLOEXEC, highest + 1));
    if (!copy.valid()) return ErrnoStatus(errno, absl::StrCat("descriptor ", fd.first));
    posix_spawn_file_actions_adddup2(actions, copy.get(), fd.second);
    parked->push_back(std::move(copy));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SpawnedProcess> Spawn(const SpawnOptions& options) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  absl::Cleanup destroy = [&] {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  };
  std::vector<OwnedFd> parked;
  absl::Status added = AddFds(options, &parked, &actions);
  if (!added.ok()) return added;
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (options.new_session) flags |= POSIX_SPAWN_SETSID;
  posix_spawnattr_setflags(&attributes,
                           static_cast<short>(flags));  // NOLINT: the interface takes a short
  pid_t pid = 0;
  const int error = posix_spawn(&pid, options.argv[0].c_str(), &actions, &attributes,
                                PointersTo(options.argv).data(), PointersTo(options.env).data());
  if (error != 0) return ErrnoStatus(error, absl::StrCat("start '", options.argv[0], "'"));
  absl::StatusOr<PidFd> pidfd = PidFd::Open(pid);
  if (!pidfd.ok()) return pidfd.status();
  return SpawnedProcess{pid, *std::move(pidfd)};
}

}  // namespace cloister
