// A process, held by a pidfd: the only identity of a process in Cloister. A pid alone may name a
// stranger by the time it is used. Source: pidfd_open(2), pidfd_send_signal(2), waitid(2).
#ifndef CLOISTER_LIBS_OS_PIDFD_H_
#define CLOISTER_LIBS_OS_PIDFD_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "libs/base/owned_fd.h"

namespace cloister {

// Owns the pidfd; the process itself is not ended by destruction.
class PidFd {
 public:
  PidFd() = default;
  explicit PidFd(OwnedFd fd) : fd_(std::move(fd)) {}

  // NOT_FOUND when no such process. A zombie can be opened. Beware: `pid` may have been recycled;
  // compare ProcessStartTime afterwards, or use OpenRecorded.
  static absl::StatusOr<PidFd> Open(pid_t pid);

  // The process that had `pid` and started at `start_time_ticks`; NOT_FOUND if that one is gone.
  static absl::StatusOr<PidFd> OpenRecorded(pid_t pid, uint64_t start_time_ticks);

  // NOT_FOUND when it has ended and was reaped.
  absl::Status Signal(int signal) const;

  // The wait(2) status of a child of the caller that has ended, reaping it; nullopt while it runs.
  absl::StatusOr<absl::optional<int>> Reap() const;

  // As Reap, but waits for the end.
  absl::StatusOr<int> WaitAndReap() const;

  // True once it has ended (zombie included).
  bool HasEnded() const;

  // Blocks until it has ended, or until timeout_ms has passed (-1: for ever). True if it has ended.
  bool AwaitEnd(int timeout_ms) const;

  int get() const { return fd_.get(); }
  bool valid() const { return fd_.valid(); }

 private:
  OwnedFd fd_;
};

// Clock ticks from boot to the start of `pid` (field 22 of /proc/PID/stat, proc(5)); with the boot
// id it identifies a process across our own restarts. NOT_FOUND when there is none.
absl::StatusOr<uint64_t> ProcessStartTime(pid_t pid);

}  // namespace cloister

#endif  // CLOISTER_LIBS_OS_PIDFD_H_
