#include "libs/cgroup/kill_v2.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"

namespace cloister::cgroup {
namespace {

absl::StatusOr<bool> Populated(int events, const ControlFile& shown) {
  char text[256];
  // At offset 0 the kernel makes the text anew, and arms the next poll.
  const ssize_t size = pread(events, text, sizeof(text), 0);
  // The cgroup was removed meanwhile.
  if (size < 0 && errno == ENODEV) return false;
  if (size < 0) return ErrnoStatus(errno, absl::StrCat(shown.shown, "/", shown.path));
  return ParseCounter(absl::string_view(text, static_cast<size_t>(size)), "populated") != 0;
}

// Until cgroup.events changes, or the deadline.
absl::Status AwaitChange(int events, absl::Time deadline) {
  const int64_t left =
      absl::ToInt64Milliseconds(absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1)));
  pollfd entry = {events, POLLPRI, 0};
  if (poll(&entry, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 60'000))) < 0 &&
      errno != EINTR) {
    return ErrnoStatus(errno, "poll of cgroup.events");
  }
  return absl::OkStatus();
}

absl::Status StillThere(const SlotParent& parent, const std::string& name) {
  absl::StatusOr<std::string> members = ReadControlFile(parent.File(name, "cgroup.procs"));
  const std::vector<pid_t> pids = members.ok() ? ParsePids(*members) : std::vector<pid_t>();
  return absl::DeadlineExceededError(absl::StrCat(
      parent.shown, "/", name, ": killed, but still there: process ", absl::StrJoin(pids, ", ")));
}

}  // namespace

absl::Status KillV2(const SlotParent& parent, const std::string& name, absl::Time deadline) {
  const ControlFile file = parent.File(name, "cgroup.events");
  const OwnedFd events(
      openat(file.directory, file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!events.valid() && (errno == ENOENT || errno == ENODEV)) return absl::OkStatus();
  if (!events.valid()) return ErrnoStatus(errno, absl::StrCat(file.shown, "/", file.path));
  CLOISTER_ASSIGN_OR_RETURN(bool populated, Populated(events.get(), file));
  if (!populated) return absl::OkStatus();
  absl::Status killed = WriteControlFile(parent.File(name, "cgroup.kill"), "1");
  if (!killed.ok() && ErrnoOf(killed) != ENOENT && ErrnoOf(killed) != ENODEV) return killed;
  while (true) {
    CLOISTER_ASSIGN_OR_RETURN(populated, Populated(events.get(), file));
    if (!populated) return absl::OkStatus();
    if (absl::Now() >= deadline) return StillThere(parent, name);
    CLOISTER_RETURN_IF_ERROR(AwaitChange(events.get(), deadline));
  }
}

}  // namespace cloister::cgroup
