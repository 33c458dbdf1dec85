// Which object of S3 or Google Cloud Storage a URL names. For artifact_source. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_OBJECT_URL_H_
#define CLOISTER_LIBS_ARTIFACT_OBJECT_URL_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "libs/artifact/url_parts.h"

namespace cloister::artifact {

// An object by its place.
struct ObjectPlace {
  // Scheme and authority, without the bucket.
  std::string endpoint;
  // S3; empty where the URL does not say it.
  std::string region;
  std::string bucket;
  // Decoded, without leading slash.
  std::string key;
  bool path_style = false;
};

// Amazon's hosts in path style (s3.amazonaws.com, s3-REGION..., s3.REGION...) and virtual-host
// style (BUCKET.s3...); any other host is an endpoint in path style.
absl::StatusOr<ObjectPlace> ParseS3Url(const UrlParts& url);

// /storage/v1/BUCKET/OBJECT on any host, /BUCKET/OBJECT on storage.googleapis.com.
absl::StatusOr<ObjectPlace> ParseGcsUrl(const UrlParts& url);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_OBJECT_URL_H_
