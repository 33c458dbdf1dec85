#include "libs/artifact/object_request.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/url_parts.h"
#include "libs/base/status_annotation.h"

namespace cloister::artifact {
namespace {

constexpr absl::string_view kDefaultRegion = "us-east-1";

// Before the path: "https://bucket.host:port", or the endpoint as it is with "/bucket".
absl::StatusOr<std::string> BucketUrl(const S3Object& object) {
  absl::StatusOr<UrlParts> endpoint = ParseUrl(object.endpoint);
  if (!endpoint.ok()) return Annotate(endpoint.status(), "endpoint");
  if (!endpoint->path.empty() && endpoint->path != "/") {
    return absl::InvalidArgumentError("endpoint: must not have a path");
  }
  if (object.path_style) {
    return absl::StrCat(endpoint->Origin(), "/", PercentEncode(object.bucket, false));
  }
  endpoint->host = absl::StrCat(object.bucket, ".", endpoint->host);
  return endpoint->Origin();
}

}  // namespace

absl::StatusOr<HttpRequest> S3Request(const S3Object& object, const Credential& credential) {
  if (credential.kind != Credential::Kind::kNone && credential.kind != Credential::Kind::kAws) {
    return absl::InvalidArgumentError("the credential is not one for S3");
  }
  if (object.bucket.empty() || object.key.empty()) {
    return absl::InvalidArgumentError("an S3 object needs a bucket and a key");
  }
  const absl::StatusOr<std::string> bucket = BucketUrl(object);
  if (!bucket.ok()) return bucket.status();
  HttpRequest request;
  request.url = absl::StrCat(*bucket, "/", PercentEncode(object.key, true));
  // Encoded as the signature's canonical form has it, so that both are the same bytes.
  if (!object.version.empty()) {
    absl::StrAppend(&request.url, "?versionId=", PercentEncode(object.version, false));
  }
  request.credential = credential;
  request.aws_region = object.region.empty() ? std::string(kDefaultRegion) : object.region;
  for (const char c : request.aws_region) {
    if (!absl::ascii_isalnum(c) && c != '-') {
      return absl::InvalidArgumentError("region: only letters, digits and '-'");
    }
  }
  return request;
}

absl::StatusOr<HttpRequest> GcsRequest(const GcsObject& object, const Credential& credential) {
  if (credential.kind != Credential::Kind::kNone && credential.kind != Credential::Kind::kBearer) {
    return absl::InvalidArgumentError("the credential is not one for GCS: a bearer token is");
  }
  if (object.bucket.empty() || object.object.empty()) {
    return absl::InvalidArgumentError("a GCS object needs a bucket and a name");
  }
  HttpRequest request;
  request.url = absl::StrCat(object.endpoint, "/", PercentEncode(object.bucket, false), "/",
                             PercentEncode(object.object, true));
  if (object.generation != 0) absl::StrAppend(&request.url, "?generation=", object.generation);
  request.credential = credential;
  return request;
}

}  // namespace cloister::artifact
