#include "tools/cloister/exit_code.h"

#include <signal.h>
#include <string.h>

#include "absl/strings/str_cat.h"

namespace cloister {

int ExitCodeOf(const v1::ExitResult& result) {
  if (result.has_start_failure()) return kExitNotStarted;
  if (!result.lost_reason().empty()) return kExitFailure;
  if (result.signal() != 0) return kExitSignalBase + result.signal();
  return result.exit_code();
}

int ExitCodeOf(const absl::Status& status, int otherwise) {
  if (status.ok()) return 0;
  return absl::IsInvalidArgument(status) ? kExitBadInput : otherwise;
}

std::string EndingInWords(const v1::ExitResult& result) {
  if (result.has_start_failure())
    return absl::StrCat("not started: ", result.start_failure().message());
  if (!result.lost_reason().empty()) return absl::StrCat("lost: ", result.lost_reason());
  std::string words = result.signal() != 0
                          ? absl::StrCat("killed by ", SignalInWords(result.signal()))
                          : absl::StrCat("exited with code ", result.exit_code());
  if (result.oom_killed()) absl::StrAppend(&words, ", out of memory");
  if (result.killed_after_grace()) absl::StrAppend(&words, ", after its grace had passed");
  return words;
}

std::string SignalInWords(int signal) {
  const char* name = sigabbrev_np(signal);
  if (name == nullptr) return absl::StrCat("signal ", signal);
  return absl::StrCat("SIG", name, " (", signal, ")");
}

}  // namespace cloister
