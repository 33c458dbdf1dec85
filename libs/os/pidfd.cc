#include "libs/os/pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/errno_status.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace cloister {
namespace {

int StatusOf(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  return (info.si_status & 0x7f) | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

absl::StatusOr<siginfo_t> WaitId(int fd, int options) {
  siginfo_t info;
  std::memset(&info, 0, sizeof(info));
  while (waitid(static_cast<idtype_t>(P_PIDFD), fd, &info, options) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "waitid");
  }
  return info;
}

}  // namespace

absl::StatusOr<PidFd> PidFd::Open(pid_t pid) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return ErrnoStatus(errno == ESRCH ? ENOENT : errno, absl::StrCat("process ", pid));
  return PidFd(OwnedFd(fd));
}

absl::StatusOr<PidFd> PidFd::OpenRecorded(pid_t pid, uint64_t start_time_ticks) {
  absl::StatusOr<PidFd> process = Open(pid);
  if (!process.ok()) return process;
  // Read after the open: the pidfd pins the process, so an equal start time now means that it is
  // the recorded one.
  absl::StatusOr<uint64_t> start = ProcessStartTime(pid);
  if (!start.ok()) return start.status();
  if (*start != start_time_ticks) {
    return absl::NotFoundError(
        absl::StrCat("process ", pid, ": its pid belongs to another process now"));
  }
  return process;
}

absl::Status PidFd::Signal(int signal) const {
  if (syscall(SYS_pidfd_send_signal, fd_.get(), signal, nullptr, 0) == 0) return absl::OkStatus();
  return ErrnoStatus(errno == ESRCH ? ENOENT : errno, absl::StrCat("signal ", signal));
}

absl::StatusOr<absl::optional<int>> PidFd::Reap() const {
  absl::StatusOr<siginfo_t> info = WaitId(fd_.get(), WEXITED | WNOHANG | __WALL);
  if (!info.ok()) return info.status();
  if (info->si_pid == 0) return absl::optional<int>();
  return absl::optional<int>(StatusOf(*info));
}

absl::StatusOr<int> PidFd::WaitAndReap() const {
  absl::StatusOr<siginfo_t> info = WaitId(fd_.get(), WEXITED | __WALL);
  if (!info.ok()) return info.status();
  return StatusOf(*info);
}

bool PidFd::HasEnded() const { return AwaitEnd(0); }

bool PidFd::AwaitEnd(int timeout_ms) const {
  pollfd entry = {fd_.get(), POLLIN, 0};
  int ready;
  do {
    ready = poll(&entry, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

absl::StatusOr<uint64_t> ProcessStartTime(pid_t pid) {
  const std::string path = absl::StrCat("/proc/", pid, "/stat");
  OwnedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  char text[1024];
  const ssize_t size = read(fd.get(), text, sizeof(text));
  if (size <= 0) return ErrnoStatus(size < 0 && errno != ESRCH ? errno : ENOENT, path);
  // The name in parentheses may hold anything, so fields are counted from the last ')'.
  const absl::string_view line(text, static_cast<size_t>(size));
  const size_t close = line.rfind(')');
  if (close == absl::string_view::npos)
    return absl::DataLossError(absl::StrCat(path, ": no process name"));
  const std::vector<absl::string_view> fields = absl::StrSplit(line.substr(close + 2), ' ');
  constexpr size_t kStartTimeAfterName = 19;
  uint64_t ticks = 0;
  if (fields.size() <= kStartTimeAfterName ||
      !absl::SimpleAtoi(fields[kStartTimeAfterName], &ticks)) {
    return absl::DataLossError(absl::StrCat(path, ": no start time"));
  }
  return ticks;
}

}  // namespace cloister
