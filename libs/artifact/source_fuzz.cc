// Reads the input's first line as a source and the others as NAME=VALUE options, and checks what
// must hold for any.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/artifact_source.h"
#include "libs/artifact/redacted_url.h"
#include "libs/artifact/url_parts.h"
#include "libs/base/field_violations.h"

namespace cloister::artifact {
namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

void CheckPrintable(absl::string_view text) {
  for (const unsigned char c : text) Check(c >= 0x20 && c < 0x7f);
}

void CheckSource(const ArtifactSource& source) {
  const absl::StatusOr<UrlParts> url = ParseUrl(source.url);
  // Escaping makes an option longer than what was read.
  if (url.ok()) {
    Check(url->ToString() == source.url);
    Check(!absl::StrContains(url->userinfo, ":"));
    Check(source.kind == SourceKind::kFile || !url->host.empty());
  } else {
    Check(source.url.size() > kMaxUrlBytes);
  }
  Check(!absl::StrContains(absl::StrCat("/", source.subdir, "/"), "/../"));
  Check(!absl::StrContains(source.file_name, "/") && source.file_name != "..");
  Check(!absl::StartsWith(source.git.ref, "-") && !absl::StartsWith(source.hg_rev, "-"));
  CheckPrintable(RedactedSource(source));
}

void Run(absl::string_view text) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  std::map<std::string, std::string> options;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> pair = absl::StrSplit(lines[i], absl::MaxSplits('=', 1));
    options[pair[0]] = pair.size() > 1 ? pair[1] : "";
  }
  CheckPrintable(RedactedUrl(lines[0]));
  const absl::StatusOr<ArtifactSource> source = ParseArtifactSource(lines[0], options);
  if (source.ok()) return CheckSource(*source);
  Check(!GetFieldViolations(source.status()).empty());
}

}  // namespace
}  // namespace cloister::artifact

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cloister::artifact::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
