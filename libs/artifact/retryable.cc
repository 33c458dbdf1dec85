#include "libs/artifact/retryable.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cloister::artifact {
namespace {

constexpr absl::string_view kPayload = "cloister/retryable";

}  // namespace

absl::Status MarkRetryable(absl::Status status, absl::Duration retry_after) {
  if (!status.ok()) {
    status.SetPayload(kPayload, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(retry_after))));
  }
  return status;
}

bool IsRetryable(const absl::Status& status) { return status.GetPayload(kPayload).has_value(); }

absl::Duration RetryAfter(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  int64_t milliseconds = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &milliseconds)) {
    return absl::ZeroDuration();
  }
  return absl::Milliseconds(milliseconds);
}

}  // namespace cloister::artifact
