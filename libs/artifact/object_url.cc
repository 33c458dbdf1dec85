#include "libs/artifact/object_url.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr size_t kMaxKeyBytes = 1024;

// A bucket becomes part of a host name or of a path.
absl::Status CheckPlace(const ObjectPlace& place) {
  if (place.bucket.empty()) return absl::InvalidArgumentError("the URL names no bucket");
  const bool known = std::all_of(place.bucket.begin(), place.bucket.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
  });
  if (!known || place.bucket.size() > 222 || absl::StartsWith(place.bucket, ".") ||
      absl::StartsWith(place.bucket, "-"))
    return absl::InvalidArgumentError("the URL's bucket has a name that no bucket has");
  if (place.key.empty()) return absl::InvalidArgumentError("the URL names no object of the bucket");
  if (place.key.size() > kMaxKeyBytes)
    return absl::InvalidArgumentError("the URL's object has a name of more than 1024 bytes");
  return absl::OkStatus();
}

// "/BUCKET/KEY".
absl::Status SplitPathStyle(absl::string_view path, ObjectPlace* place) {
  absl::ConsumePrefix(&path, "/");
  const size_t slash = std::min(path.find('/'), path.size());
  CLOISTER_ASSIGN_OR_RETURN(place->bucket, PercentDecode(path.substr(0, slash), false));
  const absl::string_view key = slash < path.size() ? path.substr(slash + 1) : "";
  CLOISTER_ASSIGN_OR_RETURN(place->key, PercentDecode(key, false));
  place->path_style = true;
  return CheckPlace(*place);
}

bool IsS3Label(absl::string_view label) { return label == "s3" || absl::StartsWith(label, "s3-"); }

}  // namespace

absl::StatusOr<ObjectPlace> ParseS3Url(const UrlParts& url) {
  ObjectPlace place;
  absl::string_view host = url.host;
  const bool amazon = absl::ConsumeSuffix(&host, ".amazonaws.com") ||
                      absl::ConsumeSuffix(&host, ".amazonaws.com.cn");
  place.endpoint = url.Origin();
  if (!amazon) {
    CLOISTER_RETURN_IF_ERROR(SplitPathStyle(url.path, &place));
    return place;
  }
  // [BUCKET.](s3|s3-REGION|s3.REGION|s3.dualstack.REGION); a bucket may hold dots and "s3".
  const std::vector<std::string> labels = absl::StrSplit(host, '.');
  size_t service = labels.size();
  while (service > 0 && !IsS3Label(labels[service - 1])) --service;
  if (service == 0) return absl::InvalidArgumentError("the URL's host is none of S3's");
  --service;
  if (absl::StartsWith(labels[service], "s3-")) place.region = labels[service].substr(3);
  if (service + 1 < labels.size()) place.region = labels.back();
  if (service == 0) {
    CLOISTER_RETURN_IF_ERROR(SplitPathStyle(url.path, &place));
    return place;
  }
  place.bucket = absl::StrJoin(labels.begin(), labels.begin() + service, ".");
  CLOISTER_ASSIGN_OR_RETURN(place.key, PercentDecode(absl::StripPrefix(url.path, "/"), false));
  UrlParts endpoint = url;
  endpoint.host = url.host.substr(place.bucket.size() + 1);
  place.endpoint = endpoint.Origin();
  CLOISTER_RETURN_IF_ERROR(CheckPlace(place));
  return place;
}

absl::StatusOr<ObjectPlace> ParseGcsUrl(const UrlParts& url) {
  ObjectPlace place;
  absl::string_view path = url.path;
  if (!absl::ConsumePrefix(&path, "/storage/v1") && url.host != "storage.googleapis.com") {
    return absl::InvalidArgumentError(
        "the URL's path must be /storage/v1/BUCKET/OBJECT (or the host storage.googleapis.com)");
  }
  place.endpoint = url.Origin();
  CLOISTER_RETURN_IF_ERROR(SplitPathStyle(path, &place));
  return place;
}

}  // namespace cloister::artifact
