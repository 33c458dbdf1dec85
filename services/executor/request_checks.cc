#include "services/executor/request_checks.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error_reason.h"
#include "libs/task/signal_name.h"

namespace cloister::executor {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kMaxExternalIdBytes = 256;
constexpr absl::Duration kMaxGrace = absl::Hours(24);

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isprint(c); });
}

}  // namespace

void CheckRequestId(absl::string_view request_id, std::vector<FieldViolation>* violations) {
  if (request_id.empty()) {
    violations->push_back(
        {"request_id", "is empty: it makes the call repeatable, a UUID by custom"});
  } else if (request_id.size() > kMaxRequestIdBytes || !IsPrintable(request_id)) {
    violations->push_back({"request_id", absl::StrCat("must be 1 to ", kMaxRequestIdBytes,
                                                      " printable ASCII characters")});
  }
}

void CheckTaskId(absl::string_view task_id, std::vector<FieldViolation>* violations) {
  if (task_id.empty()) violations->push_back({"task_id", "is empty"});
}

void CheckExternalId(absl::string_view external_id, std::vector<FieldViolation>* violations) {
  if (external_id.size() > kMaxExternalIdBytes || !IsPrintable(external_id)) {
    violations->push_back({"external_id", absl::StrCat("must be at most ", kMaxExternalIdBytes,
                                                       " printable ASCII characters")});
  }
}

absl::optional<int> CheckSignal(absl::string_view signal, bool required,
                                std::vector<FieldViolation>* violations) {
  if (signal.empty()) {
    if (required) violations->push_back({"signal", "is empty: name one, e.g. SIGHUP"});
    return absl::nullopt;
  }
  absl::optional<int> number = task::SignalNumber(signal);
  if (!number.has_value()) {
    violations->push_back({"signal", absl::StrCat("'", signal, "' is no signal")});
  }
  return number;
}

absl::optional<absl::Duration> CheckGrace(const v1::StopTaskRequest& request,
                                          std::vector<FieldViolation>* violations) {
  if (!request.has_grace()) return absl::nullopt;
  const absl::Duration grace =
      absl::Seconds(request.grace().seconds()) + absl::Nanoseconds(request.grace().nanos());
  if (grace < absl::ZeroDuration() || grace > kMaxGrace) {
    violations->push_back({"grace", "must be 0 to 24 hours"});
    return absl::nullopt;
  }
  // Zero means at once, so what is not zero must not become it.
  return grace > absl::ZeroDuration() ? std::max(grace, absl::Milliseconds(1)) : grace;
}

absl::Status CheckNode(absl::string_view asked, const std::string& own) {
  if (asked.empty() || asked == own) return absl::OkStatus();
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat("this is the executor of node '", own,
                                                 "'; the request is for node '", asked, "'")),
      "WRONG_NODE", {{"node_id", own}, {"asked", std::string(asked)}});
}

}  // namespace cloister::executor
