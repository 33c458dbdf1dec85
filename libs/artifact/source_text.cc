#include "libs/artifact/source_text.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

absl::Status Invalid(absl::string_view why) { return absl::InvalidArgumentError(why); }

// Takes "git::" from its beginning. The part before "::" is a word, so that IPv6 hosts stay.
std::string TakeForced(absl::string_view* text) {
  const size_t mark = text->find("::");
  if (mark == absl::string_view::npos || mark == 0) return "";
  const absl::string_view word = text->substr(0, mark);
  if (!std::all_of(word.begin(), word.end(), absl::ascii_isalnum)) return "";
  text->remove_prefix(mark + 2);
  return absl::AsciiStrToLower(word);
}

bool HasScheme(absl::string_view text) {
  const size_t colon = text.find("://");
  return colon != absl::string_view::npos && colon > 0 &&
         std::all_of(text.begin(), text.begin() + colon, [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '+' || c == '-' || c == '.';
         });
}

// Takes the subdirectory from `text`, which keeps its query and fragment.
std::string TakeSubdir(std::string* text) {
  const size_t end = std::min(text->find_first_of("?#"), text->size());
  const size_t scheme = text->find("://");
  const size_t begin = scheme < end ? scheme + 3 : 0;
  const size_t mark = text->find("//", begin);
  if (mark == std::string::npos || mark >= end) return "";
  std::string subdir = text->substr(mark + 2, end - mark - 2);
  text->erase(mark, end - mark);
  return subdir;
}

absl::StatusOr<std::string> CheckedSubdir(absl::string_view text) {
  CLOISTER_ASSIGN_OR_RETURN(const std::string decoded, PercentDecode(text, /*plus=*/false));
  std::vector<absl::string_view> components;
  for (const absl::string_view component : absl::StrSplit(decoded, '/', absl::SkipEmpty())) {
    if (component == "..") return Invalid("the subdirectory leads out ('..')");
    if (component == ".") continue;
    components.push_back(component);
  }
  for (const unsigned char c : decoded) {
    if (c < 0x20 || c == 0x7f || c == '\\')
      return Invalid("the subdirectory has a control character or a backslash");
  }
  return absl::StrJoin(components, "/");
}

// "HOST/USER/REPO?query" of the hosts whose repositories are git's.
absl::StatusOr<std::string> HostedRepository(absl::string_view text) {
  const size_t end = std::min(text.find_first_of("?#"), text.size());
  std::vector<std::string> parts = absl::StrSplit(text.substr(0, end), '/', absl::SkipEmpty());
  if (parts.size() != 3) {
    return Invalid(absl::StrCat("a source at ", parts[0], " is written ", parts[0],
                                "/USER/REPOSITORY, and //PATH after it for a subdirectory"));
  }
  if (!absl::EndsWith(parts[2], ".git")) absl::StrAppend(&parts[2], ".git");
  return absl::StrCat("https://", absl::StrJoin(parts, "/"), text.substr(end));
}

// "user@host:path" of ssh, or nothing.
std::string ScpForm(absl::string_view text) {
  const size_t at = text.find('@');
  const size_t colon = text.find(':');
  if (at == absl::string_view::npos || colon == absl::string_view::npos || at == 0 || at > colon ||
      text.find('/') < colon || colon + 1 == text.size())
    return "";
  absl::string_view path = text.substr(colon + 1);
  absl::ConsumePrefix(&path, "/");
  return absl::StrCat("ssh://", text.substr(0, colon), "/", path);
}

// What a source without a scheme means: sets `forced` and gives the URL.
absl::StatusOr<std::string> Detect(absl::string_view text, std::string* forced) {
  const auto detected = [&](absl::string_view kind) {
    if (forced->empty()) *forced = std::string(kind);
  };
  for (const absl::string_view host : {"github.com/", "gitlab.com/", "bitbucket.org/"}) {
    if (absl::StartsWith(text, host)) {
      detected("git");
      return HostedRepository(text);
    }
  }
  if (std::string url = ScpForm(text); !url.empty()) {
    detected("git");
    return url;
  }
  const absl::string_view host = text.substr(0, text.find_first_of("/?#"));
  if (absl::EndsWith(host, ".amazonaws.com") || absl::EndsWith(host, ".amazonaws.com.cn")) {
    detected("s3");
    return absl::StrCat("https://", text);
  }
  if (absl::EndsWith(host, ".googleapis.com")) {
    detected("gcs");
    return absl::StrCat("https://", text);
  }
  if (absl::StartsWith(text, "/")) {
    detected("file");
    return absl::StrCat("file://", text);
  }
  return Invalid(
      "it has no scheme (\"https://\"), and no host whose sources are known without one");
}

}  // namespace

absl::StatusOr<SourceText> ParseSourceText(absl::string_view source) {
  if (source.size() > kMaxUrlBytes) {
    return Invalid(absl::StrCat("it has ", source.size(), " bytes, more than ", kMaxUrlBytes));
  }
  SourceText parsed;
  parsed.forced = TakeForced(&source);
  if (source.empty()) return Invalid("it is empty");
  std::string text(source);
  std::string subdir;
  if (HasScheme(text)) {
    subdir = TakeSubdir(&text);
  } else {
    // The slashes of an absolute path are no subdirectory's.
    if (absl::StartsWith(text, "//")) return Invalid("it begins with '//'");
    subdir = TakeSubdir(&text);
    CLOISTER_ASSIGN_OR_RETURN(text, Detect(text, &parsed.forced));
  }
  CLOISTER_ASSIGN_OR_RETURN(parsed.url, ParseUrl(text));
  CLOISTER_ASSIGN_OR_RETURN(parsed.subdir, CheckedSubdir(subdir));
  return parsed;
}

}  // namespace cloister::artifact
