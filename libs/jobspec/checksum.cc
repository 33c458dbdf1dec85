#include "libs/jobspec/checksum.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace cloister::jobspec {
namespace {

struct Digest {
  absl::string_view type;
  size_t hex_digits;
};

constexpr Digest kDigests[] = {{"md5", 32}, {"sha1", 40}, {"sha256", 64}, {"sha512", 128}};

std::string Shown(absl::string_view text) { return absl::CHexEscape(text.substr(0, 48)); }

}  // namespace

absl::Status CheckChecksum(absl::string_view text) {
  if (absl::StrContains(text, "${")) return absl::OkStatus();
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", Shown(text), "' is no checksum: it must be TYPE:DIGEST, \"sha256:\" and 64 digits"));
  }
  const absl::string_view type = text.substr(0, colon);
  const absl::string_view digest = text.substr(colon + 1);
  const auto* known = std::find_if(std::begin(kDigests), std::end(kDigests),
                                   [&](const Digest& row) { return row.type == type; });
  if (known == std::end(kDigests)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Shown(type), "' is no type of checksum: md5, sha1, sha256 or sha512"));
  }
  std::string wrong;
  if (digest.size() != known->hex_digits) {
    absl::StrAppend(&wrong, "has ", digest.size(), " characters");
  }
  const auto other = std::find_if(digest.begin(), digest.end(),
                                  [](unsigned char c) { return !absl::ascii_isxdigit(c); });
  if (other != digest.end()) {
    absl::StrAppend(&wrong, wrong.empty() ? "has" : ", one of them", " '",
                    Shown(absl::string_view(&*other, 1)), "', which is no hexadecimal digit");
  }
  if (wrong.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the digest ", wrong, "; a digest of ", type,
                                                 " has ", known->hex_digits,
                                                 " hexadecimal digits"));
}

}  // namespace cloister::jobspec
