#include "libs/artifact/fetch_outcome.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "libs/artifact/fetch_message.h"
#include "libs/artifact/retryable.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

// Of another moment, perhaps, but not of this artifact.
bool IsShortage(int error_number) {
  return error_number == EAGAIN || error_number == ENOMEM || error_number == EMFILE ||
         error_number == ENFILE || error_number == ENOSPC || error_number == EUSERS;
}

absl::Status NotStarted(int error_number, const std::string& what) {
  absl::Status status = ErrnoStatus(error_number, what);
  return IsShortage(error_number) ? MarkRetryable(status) : status;
}

absl::Status NotConfined(const char* who, const internal::ConfineFailed& failed) {
  return NotStarted(failed.error_number(),
                    absl::StrCat("the ", who, " of this fetch could not be confined (",
                                 ConfineStepWords(failed.step()), ")"));
}

std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? absl::StrCat("signal ", signal) : absl::StrCat("SIG", name);
}

absl::Status Crash(const FetchEnd& end) {
  const int status = end.ended.wait_status();
  if (WIFSIGNALED(status)) {
    return absl::InternalError(absl::StrCat("the fetch of this artifact was ended by ",
                                            SignalName(WTERMSIG(status)),
                                            " in its cell; nothing of it is kept"));
  }
  return absl::InternalError(absl::StrCat("the fetch of this artifact ended with exit code ",
                                          WEXITSTATUS(status), " and without a word"));
}

}  // namespace

std::string ConfineStepWords(internal::ConfineStep step) {
  return absl::AsciiStrToLower(absl::StrReplaceAll(
      absl::StripPrefix(internal::ConfineStep_Name(step), "CONFINE_STEP_"), {{"_", " "}}));
}

absl::StatusOr<FetchReport> OutcomeOf(const FetchEnd& end) {
  // By the zygote it is cancelled, too.
  CLOISTER_RETURN_IF_ERROR(end.over);
  if (end.cancelled) return absl::CancelledError("the fetch was cancelled");
  // What a cell says that is killed a moment later counts no more than what it says while it works.
  if (end.done.has_value() && end.ended.wait_status() == 0 && !end.ended.timed_out()) {
    CLOISTER_RETURN_IF_ERROR(StatusFromMessage(end.done->status()));
    return ReportFromMessage(end.done->report());
  }
  if (end.fetcher_died) {
    return MarkRetryable(
        absl::UnavailableError("the fetcher's process died during this fetch; it is begun anew"));
  }
  if (end.cell_failed.has_value()) return NotConfined("cell", *end.cell_failed);
  if (end.broker_failed.has_value()) return NotConfined("broker", *end.broker_failed);
  if (end.ended.error_number() != 0) {
    return NotStarted(
        end.ended.error_number(),
        absl::StrCat("a cell for this fetch could not be made: ", end.ended.detail()));
  }
  if (end.ended.timed_out()) {
    return absl::DeadlineExceededError(absl::StrCat("the fetch took longer than its time limit of ",
                                                    absl::FormatDuration(end.time_limit)));
  }
  if (end.oom_kills > 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the fetch needed more than its memory limit",
                     end.memory_limit > 0 ? absl::StrCat(" of ", end.memory_limit, " bytes") : ""));
  }
  return Crash(end);
}

}  // namespace cloister::artifact
