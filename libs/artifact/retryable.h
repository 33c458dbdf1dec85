// Whether trying again can help: a mark on an error, beside its code. A code alone does not say it:
// UNAVAILABLE of a limit and of a busy server differ.
#ifndef CLOISTER_LIBS_ARTIFACT_RETRYABLE_H_
#define CLOISTER_LIBS_ARTIFACT_RETRYABLE_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace cloister::artifact {

// `status` with the mark, and with how long the server asks to wait (Retry-After; zero: it said
// nothing). Annotate (libs/base) keeps the mark. OK stays OK.
absl::Status MarkRetryable(absl::Status status, absl::Duration retry_after = absl::ZeroDuration());

// True if it was marked. False of OK.
bool IsRetryable(const absl::Status& status);

// What the server asked for; zero where it did not.
absl::Duration RetryAfter(const absl::Status& status);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_RETRYABLE_H_
