#include "libs/artifact/url_parts.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

absl::Status Invalid(absl::string_view why) { return absl::InvalidArgumentError(why); }

absl::Status CheckCharacters(absl::string_view url) {
  if (url.size() > kMaxUrlBytes) {
    return Invalid(absl::StrCat("the URL has ", url.size(), " bytes, more than ", kMaxUrlBytes));
  }
  for (const unsigned char c : url) {
    if (c <= 0x20 || c == 0x7f || c == '\\')
      return Invalid("the URL has a space, a control character or a backslash: escape it (%20)");
  }
  return absl::OkStatus();
}

bool IsSchemeText(absl::string_view text) {
  return !text.empty() && absl::ascii_isalpha(text[0]) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '+' || c == '-' || c == '.';
         });
}

absl::Status CheckHost(const std::string& host, bool bracketed) {
  if (host.empty()) return Invalid("the URL has no host");
  if (host.size() > 253) return Invalid("the URL's host is longer than 253 bytes");
  // A host that begins with "-" would be an option of a program that is given it.
  if (host[0] == '-') return Invalid("the URL's host begins with '-'");
  const bool known = std::all_of(host.begin(), host.end(), [&](unsigned char c) {
    if (bracketed) return absl::ascii_isxdigit(c) || c == ':' || c == '.';
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
  });
  if (!known) return Invalid("the URL's host has a character that no host name has");
  return absl::OkStatus();
}

absl::Status ParseAuthority(absl::string_view authority, UrlParts* parts) {
  const size_t at = authority.rfind('@');
  if (at != absl::string_view::npos) {
    parts->has_userinfo = true;
    parts->userinfo = std::string(authority.substr(0, at));
    authority = authority.substr(at + 1);
  }
  const bool bracketed = absl::StartsWith(authority, "[");
  const size_t close = authority.find(']');
  if (bracketed && close == absl::string_view::npos)
    return Invalid("the URL's host begins with '[' and has no ']'");
  const size_t colon = authority.find(':', bracketed ? close : 0);
  absl::string_view host = authority.substr(0, colon);
  if (bracketed) {
    if (host.back() != ']') return Invalid("the URL has something between ']' and the port");
    host = host.substr(1, host.size() - 2);
  }
  parts->host = absl::AsciiStrToLower(host);
  CLOISTER_RETURN_IF_ERROR(CheckHost(parts->host, bracketed));
  if (colon == absl::string_view::npos) return absl::OkStatus();
  const absl::string_view port = authority.substr(colon + 1);
  uint32_t number = 0;
  const bool digits = std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(port, &number) || number == 0 || number > 65535)
    return Invalid("the URL's port is no number from 1 to 65535");
  parts->port = static_cast<uint16_t>(number);
  return absl::OkStatus();
}

}  // namespace

std::string UrlParts::Origin() const {
  const bool brackets = absl::StrContains(host, ":");
  return absl::StrCat(scheme, "://", brackets ? "[" : "", host, brackets ? "]" : "",
                      port == 0 ? "" : absl::StrCat(":", port));
}

std::string UrlParts::ToString() const {
  std::string origin = Origin();
  if (has_userinfo) origin.insert(scheme.size() + 3, userinfo + "@");
  std::string text = absl::StrCat(origin, path);
  absl::string_view separator = "?";
  for (const auto& [name, value] : query) {
    absl::StrAppend(&text, separator, name, value.empty() ? "" : "=", value);
    separator = "&";
  }
  if (!fragment.empty()) absl::StrAppend(&text, "#", fragment);
  return text;
}

uint16_t UrlParts::EffectivePort() const {
  if (port != 0) return port;
  if (scheme == "ssh") return 22;
  return scheme == "http" ? 80 : 443;
}

bool SameOrigin(const UrlParts& a, const UrlParts& b) {
  return a.scheme == b.scheme && a.host == b.host && a.EffectivePort() == b.EffectivePort();
}

absl::optional<std::string> UrlParts::TakeQuery(absl::string_view name) {
  absl::optional<std::string> taken;
  const auto end = std::remove_if(query.begin(), query.end(), [&](const auto& pair) {
    const absl::StatusOr<std::string> decoded = PercentDecode(pair.first, /*plus=*/true);
    if (!decoded.ok() || *decoded != name) return false;
    taken = PercentDecode(pair.second, /*plus=*/true).value_or(pair.second);
    return true;
  });
  query.erase(end, query.end());
  return taken;
}

void UrlParts::SetQuery(absl::string_view name, absl::string_view value) {
  TakeQuery(name);
  query.emplace_back(PercentEncode(name, false), PercentEncode(value, false));
}

absl::StatusOr<UrlParts> ParseUrl(absl::string_view url) {
  CLOISTER_RETURN_IF_ERROR(CheckCharacters(url));
  UrlParts parts;
  const size_t colon = url.find(':');
  if (colon == absl::string_view::npos || !IsSchemeText(url.substr(0, colon)) ||
      !absl::StartsWith(url.substr(colon), "://"))
    return Invalid("the URL does not begin with a scheme: \"https://\"");
  parts.scheme = absl::AsciiStrToLower(url.substr(0, colon));
  CLOISTER_RETURN_IF_ERROR(PercentDecode(url, /*plus=*/false).status());
  absl::string_view rest = url.substr(colon + 3);
  if (const size_t hash = rest.find('#'); hash != absl::string_view::npos) {
    parts.fragment = std::string(rest.substr(hash + 1));
    rest = rest.substr(0, hash);
  }
  if (const size_t mark = rest.find('?'); mark != absl::string_view::npos) {
    for (const absl::string_view pair :
         absl::StrSplit(rest.substr(mark + 1), '&', absl::SkipEmpty()))
      parts.query.emplace_back(absl::StrSplit(pair, absl::MaxSplits('=', 1)));
    rest = rest.substr(0, mark);
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  parts.path = std::string(rest.substr(slash));
  if (parts.scheme == "file" && slash == 0) return parts;
  CLOISTER_RETURN_IF_ERROR(ParseAuthority(rest.substr(0, slash), &parts));
  return parts;
}

absl::StatusOr<std::string> PercentDecode(absl::string_view text, bool plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(plus && text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) ||
        !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2])))
      return Invalid("the URL has a '%' that two hexadecimal digits do not follow");
    const std::string byte = absl::HexStringToBytes(text.substr(i + 1, 2));
    if (byte[0] == '\0') return Invalid("the URL has an escaped NUL");
    decoded += byte;
    i += 2;
  }
  return decoded;
}

std::string PercentEncode(absl::string_view text, bool keep_slash) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const unsigned char c : text) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~' ||
        (keep_slash && c == '/')) {
      encoded.push_back(static_cast<char>(c));
    } else {
      encoded += {'%', kDigits[c >> 4], kDigits[c & 15]};
    }
  }
  return encoded;
}

}  // namespace cloister::artifact
