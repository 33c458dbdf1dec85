// URLs and sources as they may stand in messages, events, logs and records. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_REDACTED_URL_H_
#define CLOISTER_LIBS_ARTIFACT_REDACTED_URL_H_

#include <string>

#include "absl/strings/string_view.h"

namespace cloister::artifact {

// `url`, well-formed or not, without what can be a secret: userinfo (a lone "git@" stays), the
// fragment, and the values of all query parameters but those that are known to say none (ref,
// checksum, version, ...). Signed URLs of S3 and GCS hold their signature in the query. Control
// characters are escaped, and it is cut after 512 bytes. Forced forms ("git::https://...") and
// sources without a scheme are taken, too.
std::string RedactedUrl(absl::string_view url);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_REDACTED_URL_H_
