#include "libs/artifact/source_request.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "libs/artifact/object_request.h"
#include "libs/artifact/url_parts.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

bool HaveOneOrigin(const std::string& left, const std::string& right) {
  const absl::StatusOr<UrlParts> a = ParseUrl(left);
  const absl::StatusOr<UrlParts> b = ParseUrl(right);
  return a.ok() && b.ok() && SameOrigin(*a, *b);
}

bool SharesSecrets(const ArtifactSource& source, const ArtifactSource& list) {
  if (source.kind != list.kind) return false;
  switch (source.kind) {
    case SourceKind::kHttp:
      return HaveOneOrigin(source.url, list.url);
    case SourceKind::kS3:
      return HaveOneOrigin(source.s3.endpoint, list.s3.endpoint) &&
             source.s3.bucket == list.s3.bucket;
    case SourceKind::kGcs:
      return HaveOneOrigin(source.gcs.endpoint, list.gcs.endpoint) &&
             source.gcs.bucket == list.gcs.bucket;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<HttpRequest> SourceRequest(const ArtifactSource& source, const HeaderList& headers,
                                          const Credential& credential) {
  HttpRequest request;
  if (source.kind == SourceKind::kHttp) {
    request.url = source.url;
    request.credential = credential;
  } else if (source.kind == SourceKind::kS3) {
    CLOISTER_ASSIGN_OR_RETURN(request, S3Request(source.s3, credential));
  } else if (source.kind == SourceKind::kGcs) {
    CLOISTER_ASSIGN_OR_RETURN(request, GcsRequest(source.gcs, credential));
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("a source of kind ", SourceKindName(source.kind), " is not fetched by HTTP"));
  }
  request.headers = headers;
  return request;
}

absl::StatusOr<HttpRequest> ChecksumListRequest(const ArtifactSource& source,
                                                const HeaderList& headers,
                                                const Credential& credential) {
  ArtifactSource list;
  CLOISTER_ASSIGN_OR_RETURN(list, ParseArtifactSource(source.checksum->list_source,
                                                      std::map<std::string, std::string>()));
  const bool shares = SharesSecrets(source, list);
  return SourceRequest(list, shares ? headers : HeaderList(), shares ? credential : Credential());
}

std::string ListedPath(const ArtifactSource& source) {
  if (source.kind == SourceKind::kS3) return source.s3.key;
  if (source.kind == SourceKind::kGcs) return source.gcs.object;
  const absl::StatusOr<UrlParts> url = ParseUrl(source.url);
  if (!url.ok()) return source.file_name;
  const absl::StatusOr<std::string> path = PercentDecode(url->path, false);
  return path.ok() ? *path : source.file_name;
}

}  // namespace cloister::artifact
