#include "libs/cgroup/kill_v1.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/pidfd.h"

namespace cloister::cgroup {
namespace {

bool IsGone(const absl::Status& status) {
  return ErrnoOf(status) == ENOENT || ErrnoOf(status) == ENODEV;
}

// Opened anew each time: an open cgroup.procs of v1 goes on showing its first list.
absl::StatusOr<std::vector<pid_t>> ReadMembers(const SlotParent& parent, const std::string& name) {
  absl::StatusOr<std::string> text = ReadControlFile(parent.File(name, "cgroup.procs"));
  if (!text.ok() && IsGone(text.status())) return std::vector<pid_t>();
  if (!text.ok()) return text.status();
  std::vector<pid_t> pids = ParsePids(*text);
  std::sort(pids.begin(), pids.end());
  return pids;
}

std::vector<std::pair<pid_t, PidFd>> OpenAll(const std::vector<pid_t>& pids) {
  std::vector<std::pair<pid_t, PidFd>> processes;
  for (const pid_t pid : pids) {
    // 0: not in our pid namespace. One that cannot be opened has ended; the next round looks again.
    absl::StatusOr<PidFd> process = PidFd::Open(pid);
    if (pid > 0 && process.ok()) processes.emplace_back(pid, *std::move(process));
  }
  return processes;
}

absl::Status SignalMembers(const std::vector<std::pair<pid_t, PidFd>>& processes,
                           const std::vector<pid_t>& members) {
  for (const auto& [pid, process] : processes) {
    if (!std::binary_search(members.begin(), members.end(), pid)) continue;
    absl::Status status = process.Signal(SIGKILL);
    if (!status.ok() && !absl::IsNotFound(status)) return status;
  }
  return absl::OkStatus();
}

// Until all have ended, or the deadline. The kernel takes a process off the list at its very end,
// which newer kernels reach shortly after its pidfd says so: hence the pause, lest a round follows
// at once.
void AwaitEnds(const std::vector<std::pair<pid_t, PidFd>>& processes, absl::Time deadline) {
  for (const auto& entry : processes) {
    const int64_t left =
        absl::ToInt64Milliseconds(absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1)));
    entry.second.AwaitEnd(static_cast<int>(std::clamp<int64_t>(left, 0, 60'000)));
  }
  (void)poll(nullptr, 0, 1);
}

}  // namespace

absl::Status StopForksV1(const SlotParent& parent, const std::string& name) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<pid_t> found, ReadMembers(parent, name));
  if (found.empty()) return absl::OkStatus();
  absl::Status status = WriteControlFile(parent.File(name, "pids.max"), "0");
  return IsGone(status) ? absl::OkStatus() : status;
}

absl::Status KillV1(const SlotParent& parent, const std::string& name, absl::Time deadline) {
  while (true) {
    CLOISTER_ASSIGN_OR_RETURN(const std::vector<pid_t> found, ReadMembers(parent, name));
    if (found.empty()) return absl::OkStatus();
    if (std::binary_search(found.begin(), found.end(), getpid())) {
      return absl::InternalError(
          absl::StrCat(parent.shown, "/", name, ": not killed: this process is in it"));
    }
    const std::vector<std::pair<pid_t, PidFd>> processes = OpenAll(found);
    CLOISTER_ASSIGN_OR_RETURN(const std::vector<pid_t> members, ReadMembers(parent, name));
    CLOISTER_RETURN_IF_ERROR(SignalMembers(processes, members));
    if (members.empty()) return absl::OkStatus();
    if (absl::Now() >= deadline) {
      return absl::DeadlineExceededError(absl::StrCat(parent.shown, "/", name,
                                                      ": killed, but still there: process ",
                                                      absl::StrJoin(members, ", ")));
    }
    AwaitEnds(processes, deadline);
  }
}

}  // namespace cloister::cgroup
