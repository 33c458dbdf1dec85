#include "libs/base/error_reason.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "libs/base/length_delimited.h"

namespace cloister {
namespace {

// The payload is a serialised message of this type, so libs/rpc passes it on as it is.
constexpr absl::string_view kTypeUrl = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr absl::string_view kDomainName = "cloister";
constexpr int kReason = 1;
constexpr int kDomain = 2;
constexpr int kMetadata = 3;
constexpr int kMapKey = 1;
constexpr int kMapValue = 2;

std::pair<std::string, std::string> ParseEntry(absl::string_view message) {
  std::pair<std::string, std::string> entry;
  VisitLengthDelimited(message, [&](int number, absl::string_view bytes) {
    if (number == kMapKey) entry.first = std::string(bytes);
    if (number == kMapValue) entry.second = std::string(bytes);
  });
  return entry;
}

struct ErrorInfo {
  std::string reason;
  ReasonMetadata metadata;
};

ErrorInfo ParsePayload(const absl::Status& status) {
  ErrorInfo info;
  const absl::optional<absl::Cord> payload = status.GetPayload(kTypeUrl);
  if (!payload.has_value()) return info;
  VisitLengthDelimited(std::string(*payload), [&](int number, absl::string_view bytes) {
    if (number == kReason) info.reason = std::string(bytes);
    if (number == kMetadata) info.metadata.insert(ParseEntry(bytes));
  });
  return info;
}

}  // namespace

absl::Status WithReason(absl::Status status, absl::string_view reason,
                        const ReasonMetadata& metadata) {
  std::string payload;
  AppendLengthDelimited(kReason, reason, &payload);
  AppendLengthDelimited(kDomain, kDomainName, &payload);
  for (const auto& [key, value] : metadata) {
    std::string entry;
    AppendLengthDelimited(kMapKey, key, &entry);
    AppendLengthDelimited(kMapValue, value, &entry);
    AppendLengthDelimited(kMetadata, entry, &payload);
  }
  // On an OK status this does nothing.
  status.SetPayload(kTypeUrl, absl::Cord(payload));
  return status;
}

std::string GetReason(const absl::Status& status) { return ParsePayload(status).reason; }

ReasonMetadata GetReasonMetadata(const absl::Status& status) {
  return ParsePayload(status).metadata;
}

}  // namespace cloister
