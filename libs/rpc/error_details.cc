#include "libs/rpc/error_details.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "google/rpc/error_details.pb.h"

namespace cloister::rpc {
namespace {

using ::google::rpc::PreconditionFailure;
using ::google::rpc::ResourceInfo;
using ::google::rpc::RetryInfo;

// A payload's key is the type URL that it has in a google.protobuf.Any.
template <typename Message>
std::string TypeUrl() {
  return absl::StrCat("type.googleapis.com/", Message::descriptor()->full_name());
}

template <typename Message>
absl::Status WithDetail(absl::Status status, const Message& message) {
  status.SetPayload(TypeUrl<Message>(), absl::Cord(message.SerializeAsString()));
  return status;
}

template <typename Message>
absl::optional<Message> GetDetail(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(TypeUrl<Message>());
  Message message;
  if (!payload.has_value() || !message.ParseFromString(std::string(*payload))) {
    return absl::nullopt;
  }
  return message;
}

}  // namespace

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  // What google.protobuf.Duration can hold.
  constexpr absl::Duration kLongest = absl::Hours(24 * 365 * 10000LL);
  delay = std::clamp(delay, absl::ZeroDuration(), kLongest);
  const int64_t seconds = absl::IDivDuration(delay, absl::Seconds(1), &delay);
  RetryInfo info;
  info.mutable_retry_delay()->set_seconds(seconds);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(delay)));
  return WithDetail(std::move(status), info);
}

absl::optional<absl::Duration> GetRetryDelay(const absl::Status& status) {
  const absl::optional<RetryInfo> info = GetDetail<RetryInfo>(status);
  if (!info.has_value()) return absl::nullopt;
  return absl::Seconds(info->retry_delay().seconds()) +
         absl::Nanoseconds(info->retry_delay().nanos());
}

absl::Status WithResource(absl::Status status, absl::string_view type, absl::string_view name) {
  ResourceInfo info;
  info.set_resource_type(std::string(type));
  info.set_resource_name(std::string(name));
  return WithDetail(std::move(status), info);
}

absl::optional<ErrorResource> GetResource(const absl::Status& status) {
  const absl::optional<ResourceInfo> info = GetDetail<ResourceInfo>(status);
  if (!info.has_value()) return absl::nullopt;
  return ErrorResource{info->resource_type(), info->resource_name()};
}

absl::Status WithPreconditionViolations(absl::Status status,
                                        const std::vector<PreconditionViolation>& violations) {
  PreconditionFailure failure;
  for (const PreconditionViolation& violation : violations) {
    PreconditionFailure::Violation* added = failure.add_violations();
    added->set_type(violation.type);
    added->set_subject(violation.subject);
    added->set_description(violation.description);
  }
  return WithDetail(std::move(status), failure);
}

std::vector<PreconditionViolation> GetPreconditionViolations(const absl::Status& status) {
  std::vector<PreconditionViolation> violations;
  const absl::optional<PreconditionFailure> failure = GetDetail<PreconditionFailure>(status);
  if (!failure.has_value()) return violations;
  for (const PreconditionFailure::Violation& violation : failure->violations()) {
    violations.push_back({violation.type(), violation.subject(), violation.description()});
  }
  return violations;
}

}  // namespace cloister::rpc
