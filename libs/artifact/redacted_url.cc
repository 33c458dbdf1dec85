#include "libs/artifact/redacted_url.h"

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace cloister::artifact {
namespace {

constexpr size_t kMaxShown = 512;
constexpr absl::string_view kHidden = "[redacted]";

// Of parameters whose values are no secrets.
constexpr std::array<absl::string_view, 12> kShownParameters = {
    "archive", "checksum", "depth",  "filename", "generation", "list-type",
    "prefix",  "ref",      "region", "rev",      "version",    "versionId"};

bool IsShown(absl::string_view name, absl::string_view value) {
  // A list's source may be a signed URL itself.
  if (name == "checksum" && absl::StartsWith(value, "file")) return false;
  return std::find(kShownParameters.begin(), kShownParameters.end(), name) !=
         kShownParameters.end();
}

// Of what stands before the query. Everything up to the last '@' of the authority goes: where a URL
// is malformed, rather too much than too little.
std::string WithoutUserinfo(absl::string_view text) {
  const size_t scheme = text.find("://");
  const size_t begin = scheme == absl::string_view::npos ? 0 : scheme + 3;
  const size_t slash = std::min(text.find('/', begin), text.size());
  size_t at = text.rfind('@', slash);
  // A slash in a password ends the authority early.
  if (at == absl::string_view::npos || at < begin) {
    at = text.find('@', begin);
    if (at == absl::string_view::npos || !absl::StrContains(text.substr(begin, at - begin), ":"))
      return std::string(text);
  }
  size_t user = begin;
  if (scheme == absl::string_view::npos) {
    const size_t forced = text.rfind("::", at);
    if (forced != absl::string_view::npos) user = forced + 2;
  }
  if (text.substr(user, at - user) == "git") return std::string(text);
  return absl::StrCat(text.substr(0, user), kHidden, text.substr(at));
}

std::string RedactedQuery(absl::string_view query) {
  std::string shown;
  for (const absl::string_view pair : absl::StrSplit(query, '&')) {
    const size_t equals = pair.find('=');
    const absl::string_view name = pair.substr(0, equals);
    absl::StrAppend(&shown, shown.empty() ? "?" : "&");
    if (equals == absl::string_view::npos || IsShown(name, pair.substr(equals + 1))) {
      absl::StrAppend(&shown, pair);
    } else {
      absl::StrAppend(&shown, name, "=", kHidden);
    }
  }
  return shown;
}

}  // namespace

std::string RedactedUrl(absl::string_view url) {
  const size_t hash = url.find('#');
  const absl::string_view body = url.substr(0, hash);
  const size_t mark = body.find('?');
  std::string text = WithoutUserinfo(body.substr(0, mark));
  if (mark != absl::string_view::npos) absl::StrAppend(&text, RedactedQuery(body.substr(mark + 1)));
  std::string shown = absl::CHexEscape(text.substr(0, kMaxShown));
  if (text.size() > kMaxShown) absl::StrAppend(&shown, "...");
  return shown;
}

}  // namespace cloister::artifact
