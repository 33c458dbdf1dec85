// The `checksum` of an artifact's options, as a text: nothing is fetched to look at it.
#ifndef CLOISTER_LIBS_JOBSPEC_CHECKSUM_H_
#define CLOISTER_LIBS_JOBSPEC_CHECKSUM_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cloister::jobspec {

// "type:digest" with the type md5, sha1, sha256 or sha512 and the digest in hexadecimal, as long as
// the type's are; INVALID_ARGUMENT says all that is wrong with it. Text with references (${) is
// taken on trust.
absl::Status CheckChecksum(absl::string_view text);

}  // namespace cloister::jobspec

#endif  // CLOISTER_LIBS_JOBSPEC_CHECKSUM_H_
