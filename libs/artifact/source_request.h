// Which HTTP request a source stands for, and who gets its secrets. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_SOURCE_REQUEST_H_
#define CLOISTER_LIBS_ARTIFACT_SOURCE_REQUEST_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/artifact/artifact_source.h"
#include "libs/artifact/credential.h"
#include "libs/artifact/download.h"

namespace cloister::artifact {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Of kHttp, kS3 and kGcs; INVALID_ARGUMENT of the others.
absl::StatusOr<HttpRequest> SourceRequest(const ArtifactSource& source, const HeaderList& headers,
                                          const Credential& credential);

// For the list that `source.checksum` names. Headers and credential go with it only to where they
// would go with the artifact: the same origin, and of S3 and GCS the same bucket.
absl::StatusOr<HttpRequest> ChecksumListRequest(const ArtifactSource& source,
                                                const HeaderList& headers,
                                                const Credential& credential);

// The decoded path by which the list calls the file.
std::string ListedPath(const ArtifactSource& source);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_SOURCE_REQUEST_H_
