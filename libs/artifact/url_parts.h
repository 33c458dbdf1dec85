// A URL in its parts (RFC 3986), for sources of artifacts. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_URL_PARTS_H_
#define CLOISTER_LIBS_ARTIFACT_URL_PARTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cloister::artifact {

constexpr size_t kMaxUrlBytes = 8192;

struct UrlParts {
  std::string scheme;    // In lower case.
  std::string userinfo;  // As written, without '@'.
  bool has_userinfo = false;
  std::string host;   // In lower case; an IPv6 address without its brackets.
  uint16_t port = 0;  // 0: the scheme's own.
  std::string path;   // As written (escaped), "" or from its "/" on.
  // In their order, as written.
  std::vector<std::pair<std::string, std::string>> query;
  std::string fragment;  // As written.

  // "https://host:8080", with brackets where the host needs them; without userinfo.
  std::string Origin() const;
  // The whole, with userinfo.
  std::string ToString() const;
  // `port`, or the one that its scheme has where it names none: 80 of http, 22 of ssh, else 443.
  uint16_t EffectivePort() const;
  // Removes the parameter and gives its decoded value; of several the last.
  absl::optional<std::string> TakeQuery(absl::string_view name);
  // Replaces or adds; the value is escaped.
  void SetQuery(absl::string_view name, absl::string_view value);
};

// The same scheme, host and port: what secrets are given for.
bool SameOrigin(const UrlParts& a, const UrlParts& b);

// INVALID_ARGUMENT for what is longer than kMaxUrlBytes, holds control characters, spaces or
// backslashes, a broken escape, an escaped NUL, no or a malformed host (except of "file"), or a
// port out of range. The error does not repeat the URL: it may hold secrets.
absl::StatusOr<UrlParts> ParseUrl(absl::string_view url);

// "%41" -> "A"; as in a query also "+" -> " " if `plus`. INVALID_ARGUMENT for broken escapes and
// NUL.
absl::StatusOr<std::string> PercentDecode(absl::string_view text, bool plus);

// All but letters, digits and "-._~" escaped; '/' is kept if `keep_slash`.
std::string PercentEncode(absl::string_view text, bool keep_slash);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_URL_PARTS_H_
