#include "libs/rpc/status_conversion.h"

#include <grpcpp/support/status.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/rpc/utf8_text.h"

namespace cloister::rpc {
namespace {

using ::google::rpc::BadRequest;
using ::google::rpc::ErrorInfo;

constexpr absl::string_view kTypePrefix = "type.googleapis.com/google.rpc.";
constexpr absl::string_view kErrorInfoUrl = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr absl::string_view kBadRequestUrl = "type.googleapis.com/google.rpc.BadRequest";
constexpr size_t kMaxReasonBytes = 63;
constexpr size_t kMaxMetadataBytes = 768;
// Of one name, value, path or description.
constexpr size_t kMaxTextBytes = 256;

// Of an Any over its value: two tags, two lengths, the type URL, and the tag and length of itself.
constexpr size_t kAnyOverheadBytes = 64;

ErrorInfo MakeErrorInfo(const absl::Status& status) {
  ErrorInfo info;
  info.set_domain("cloister");
  info.set_reason(Utf8Text(GetReason(status), kMaxReasonBytes));
  if (info.reason().empty()) info.set_reason(absl::StatusCodeToString(status.code()));
  size_t room = kMaxMetadataBytes;
  for (const auto& [key, value] : GetReasonMetadata(status)) {
    const std::string name = Utf8Text(key, kMaxTextBytes);
    const std::string text = Utf8Text(value, kMaxTextBytes);
    if (name.size() + text.size() > room) continue;
    room -= name.size() + text.size();
    (*info.mutable_metadata())[name] = text;
  }
  return info;
}

// As many of the violations as fit into `room` bytes; a last one counts the others.
BadRequest MakeBadRequest(const std::vector<FieldViolation>& violations, size_t room) {
  constexpr size_t kLastOneBytes = 64;
  BadRequest request;
  for (const FieldViolation& violation : violations) {
    BadRequest::FieldViolation* added = request.add_field_violations();
    added->set_field(Utf8Text(violation.field, kMaxTextBytes));
    added->set_description(Utf8Text(violation.description, kMaxTextBytes));
    if (request.ByteSizeLong() + kLastOneBytes <= room) continue;
    request.mutable_field_violations()->RemoveLast();
    request.add_field_violations()->set_description(absl::StrCat(
        violations.size() - request.field_violations_size() + 1, " more are not shown"));
    break;
  }
  return request;
}

void AddDetail(absl::string_view type_url, const std::string& value, google::rpc::Status* out) {
  if (out->ByteSizeLong() + kAnyOverheadBytes + value.size() > kMaxStatusDetailsBytes) return;
  google::protobuf::Any* detail = out->add_details();
  detail->set_type_url(std::string(type_url));
  detail->set_value(value);
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status out;
  out.set_code(static_cast<int>(status.code()));
  out.set_message(Utf8Text(status.message(), kMaxStatusMessageBytes));
  AddDetail(kErrorInfoUrl, MakeErrorInfo(status).SerializeAsString(), &out);
  const std::vector<FieldViolation> violations = GetFieldViolations(status);
  if (!violations.empty()) {
    const size_t room = kMaxStatusDetailsBytes - out.ByteSizeLong() - kAnyOverheadBytes;
    AddDetail(kBadRequestUrl, MakeBadRequest(violations, room).SerializeAsString(), &out);
  }
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    if (type_url == kErrorInfoUrl || type_url == kBadRequestUrl) return;
    if (absl::StartsWith(type_url, kTypePrefix)) AddDetail(type_url, std::string(payload), &out);
  });
  return grpc::Status(static_cast<grpc::StatusCode>(out.code()), out.message(),
                      out.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const int code = status.error_code();
  const bool known = code > 0 && code <= static_cast<int>(absl::StatusCode::kUnauthenticated);
  absl::Status out(known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown,
                   status.error_message());
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return out;
  for (const google::protobuf::Any& detail : details.details()) {
    if (absl::StartsWith(detail.type_url(), kTypePrefix)) {
      out.SetPayload(detail.type_url(), absl::Cord(detail.value()));
    }
  }
  return out;
}

}  // namespace cloister::rpc
