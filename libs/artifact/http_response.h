// What a server's answer says before its body, and what a refusal means. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_HTTP_RESPONSE_H_
#define CLOISTER_LIBS_ARTIFACT_HTTP_RESPONSE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/download.h"

namespace cloister::artifact {

struct ResponseHead {
  int status = 0;
  Validators validators;
  std::string content_type;
  std::string content_range;
  std::string retry_after;
  std::string bucket_region;
  int64_t content_length = -1;

  // One line as it came; a status line begins anew (100, then 200).
  void TakeLine(absl::string_view line);
};

// The error that an answer is which brings no body that was asked for. `body`: its beginning, of
// which only S3's error code is shown. `region`: what the request was signed for; empty: it was
// not.
absl::Status RefusalOf(const ResponseHead& head, const std::string& body,
                       const std::string& region);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_HTTP_RESPONSE_H_
