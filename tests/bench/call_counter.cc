#include "tests/bench/call_counter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/strings/numbers.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister::bench {
namespace {

constexpr char kEvent[] = "events/raw_syscalls/sys_enter/id";

// From a tracefs that is mounted nowhere.
absl::StatusOr<uint64_t> EventId() {
  const OwnedFd context(static_cast<int>(syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC)));
  if (!context.valid()) return ErrnoStatus(errno, "tracefs");
  if (syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return ErrnoStatus(errno, "tracefs");
  }
  const OwnedFd mount(static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
  if (!mount.valid()) return ErrnoStatus(errno, "tracefs");
  const OwnedFd file(openat(mount.get(), kEvent, O_RDONLY | O_CLOEXEC));
  char text[32] = {};
  if (!file.valid() || read(file.get(), text, sizeof(text) - 1) < 0) {
    return ErrnoStatus(errno, kEvent);
  }
  uint64_t id = 0;
  if (!absl::SimpleAtoi(text, &id)) return absl::InternalError(std::string(kEvent) + ": no number");
  return id;
}

}  // namespace

absl::StatusOr<CallCounter> CallCounter::Start(pid_t thread) {
  perf_event_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.inherit = 1;
  CLOISTER_ASSIGN_OR_RETURN(attributes.config, EventId());
  OwnedFd event(static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event.valid()) return ErrnoStatus(errno, "perf_event_open");
  return CallCounter(std::move(event));
}

absl::StatusOr<int64_t> CallCounter::Read() const {
  int64_t count = 0;
  if (read(event_.get(), &count, sizeof(count)) != sizeof(count)) {
    return ErrnoStatus(errno, "read the counter of calls");
  }
  return count;
}

}  // namespace cloister::bench
