// The first half of reading a source: forced prefix, detectors and subdirectory. For
// artifact_source. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_SOURCE_TEXT_H_
#define CLOISTER_LIBS_ARTIFACT_SOURCE_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/url_parts.h"

namespace cloister::artifact {

struct SourceText {
  // In lower case; empty: the URL's scheme decides.
  std::string forced;
  UrlParts url;
  std::string subdir;
};

// INVALID_ARGUMENT without the text.
absl::StatusOr<SourceText> ParseSourceText(absl::string_view source);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_SOURCE_TEXT_H_
