#include "libs/state/state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/state/layout.h"

namespace cloister::state {
namespace {

// For errors only.
std::string PathOf(int directory) {
  char path[PATH_MAX];
  const ssize_t size =
      readlink(absl::StrCat("/proc/self/fd/", directory).c_str(), path, sizeof(path));
  return size <= 0 ? "." : std::string(path, static_cast<size_t>(size));
}

absl::Status Held(int file, int state_directory) {
  char text[32];
  const ssize_t size = pread(file, text, sizeof(text), 0);
  int pid = 0;
  const bool known =
      size > 0 && absl::SimpleAtoi(absl::string_view(text, static_cast<size_t>(size)), &pid);
  return absl::FailedPreconditionError(
      absl::StrCat("state directory '", PathOf(state_directory), "' is in use by another executor",
                   known ? absl::StrCat(" (process ", pid, ")") : "",
                   ": stop that one first, or give this one a --state_dir of its own"));
}

}  // namespace

absl::StatusOr<StateLock> StateLock::Acquire(int state_directory) {
  const auto shown = [state_directory] {
    return absl::StrCat(PathOf(state_directory), "/", kLockFile);
  };
  OwnedFd file(openat(state_directory, kLockFile, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return ErrnoStatus(errno, shown());
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Held(file.get(), state_directory);
    return ErrnoStatus(errno, shown());
  }
  // For the sentence that the next one reads; the lock itself is the kernel's.
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(file.get(), 0) != 0 ||
      pwrite(file.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return ErrnoStatus(errno, shown());
  }
  return StateLock(std::move(file));
}

}  // namespace cloister::state
