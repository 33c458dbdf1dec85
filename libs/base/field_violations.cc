#include "libs/base/field_violations.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "libs/base/error_reason.h"
#include "libs/base/length_delimited.h"

namespace cloister {
namespace {

// The payload is a serialised message of this type, so libs/rpc passes it on as it is.
constexpr absl::string_view kTypeUrl = "type.googleapis.com/google.rpc.BadRequest";
constexpr int kFieldViolations = 1;
constexpr int kField = 1;
constexpr int kDescription = 2;

FieldViolation ParseViolation(absl::string_view message) {
  FieldViolation violation;
  VisitLengthDelimited(message, [&](int number, absl::string_view bytes) {
    if (number == kField) violation.field = std::string(bytes);
    if (number == kDescription) violation.description = std::string(bytes);
  });
  return violation;
}

}  // namespace

absl::Status InvalidArgument(const std::vector<FieldViolation>& violations) {
  if (violations.empty()) return absl::OkStatus();
  std::string payload;
  for (const FieldViolation& violation : violations) {
    std::string message;
    AppendLengthDelimited(kField, violation.field, &message);
    AppendLengthDelimited(kDescription, violation.description, &message);
    AppendLengthDelimited(kFieldViolations, message, &payload);
  }
  std::string sentence = absl::StrJoin(violations, "; ", [](std::string* out, const auto& v) {
    absl::StrAppend(out, v.field, ": ", v.description);
  });
  if (violations.size() > 1) {
    sentence = absl::StrCat(violations.size(), " fields are wrong: ", sentence);
  }
  absl::Status status = WithReason(absl::InvalidArgumentError(sentence), "INVALID_FIELDS");
  status.SetPayload(kTypeUrl, absl::Cord(payload));
  return status;
}

std::vector<FieldViolation> GetFieldViolations(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  const absl::optional<absl::Cord> payload = status.GetPayload(kTypeUrl);
  if (!payload.has_value()) return violations;
  VisitLengthDelimited(std::string(*payload), [&](int number, absl::string_view bytes) {
    if (number == kFieldViolations) violations.push_back(ParseViolation(bytes));
  });
  return violations;
}

}  // namespace cloister
