#include "libs/task/parse_names.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace cloister::task {
namespace {

// What resolv.conf(5) takes: MAXNS, MAXDNSRCH; beyond that it would be ignored without a word.
constexpr int kMaxServers = 3;
constexpr int kMaxSearches = 6;
constexpr int kMaxOptions = 16;
constexpr size_t kMaxDomainBytes = 253;
constexpr size_t kMaxOptionBytes = 64;
constexpr size_t kMaxLabelBytes = 63;

bool IsLetterOrDigit(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) != 0; }

bool IsLabel(absl::string_view label, bool underscore) {
  if (label.empty() || label.size() > kMaxLabelBytes) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [underscore](char c) {
    return IsLetterOrDigit(c) || c == '-' || (underscore && c == '_');
  });
}

bool IsDomain(absl::string_view text, bool underscore, size_t most) {
  if (text.empty() || text.size() > most) return false;
  for (absl::string_view label : absl::StrSplit(text, '.')) {
    if (!IsLabel(label, underscore)) return false;
  }
  return true;
}

bool IsAddress(const std::string& text) {
  in_addr four;
  in6_addr six;
  // inet_pton sees only what is before a NUL.
  return !HasNul(text) && (inet_pton(AF_INET, text.c_str(), &four) == 1 ||
                           inet_pton(AF_INET6, text.c_str(), &six) == 1);
}

bool IsSearch(const std::string& text) {
  // "." alone: search nothing.
  return text == "." || IsDomain(absl::StripSuffix(text, "."), true, kMaxDomainBytes);
}

bool IsOption(const std::string& text) {
  return !text.empty() && text.size() <= kMaxOptionBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLetterOrDigit(c) || c == ':' || c == '-' || c == '_'; });
}

std::vector<std::string> ParseList(const std::string& field,
                                   const google::protobuf::RepeatedPtrField<std::string>& texts,
                                   int most, bool (*is_good)(const std::string&),
                                   absl::string_view what, Violations* violations) {
  if (texts.size() > most) {
    violations->Add(field, "has ", texts.size(), " entries, at most ", most);
    return {};
  }
  for (int i = 0; i < texts.size(); ++i) {
    if (is_good(texts[i])) continue;
    violations->Add(absl::StrCat(field, "[", i, "]"), "'", Shown(texts[i]), "' is no ", what);
  }
  return {texts.begin(), texts.end()};
}

}  // namespace

void CheckHostname(const v1::TaskConfig& config, Violations* violations) {
  const std::string& name = config.config().hostname();
  if (name.empty() || IsDomain(name, false, kMaxHostnameBytes)) return;
  violations->Add("config.hostname", "must be at most ", kMaxHostnameBytes,
                  " characters: names of [A-Za-z0-9-], separated by dots, but is '", Shown(name),
                  "'");
}

Dns ParseDns(const v1::TaskConfig& config, Violations* violations) {
  Dns dns;
  if (!config.config().has_dns()) return dns;
  const v1::Dns& asked = config.config().dns();
  dns.is_set = true;
  dns.servers = ParseList("config.dns.servers", asked.servers(), kMaxServers, IsAddress,
                          "IPv4 or IPv6 address", violations);
  dns.searches = ParseList("config.dns.searches", asked.searches(), kMaxSearches, IsSearch,
                           "domain", violations);
  dns.options = ParseList("config.dns.options", asked.options(), kMaxOptions, IsOption,
                          "option of resolv.conf(5)", violations);
  return dns;
}

}  // namespace cloister::task
