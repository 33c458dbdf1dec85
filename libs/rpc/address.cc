#include "libs/rpc/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace cloister::rpc {
namespace {

constexpr size_t kMaxHostBytes = 253;

template <typename... Parts>
absl::Status Refusal(absl::string_view text, const Parts&... why) {
  return absl::InvalidArgumentError(
      absl::StrCat("address '", absl::CHexEscape(text), "': ", why...));
}

bool IsV6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsV4(const std::string& host) {
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool IsHostName(absl::string_view host) {
  if (host.empty() || host.size() > kMaxHostBytes || !absl::ascii_isalnum(host[0])) return false;
  bool has_letter = false;
  for (char c : host) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.') return false;
    has_letter = has_letter || absl::ascii_isalpha(c);
  }
  // "127.1" and "2130706433" are addresses to some resolvers: whoever means one writes it whole.
  return has_letter;
}

// What is wrong with the path of a unix address; empty if nothing is.
std::string WrongWithPath(absl::string_view path) {
  if (path.empty() || path[0] != '/') return "the path of a unix socket is absolute: unix:/path";
  if (absl::StartsWith(path, "//")) return "a unix address has one slash or three: unix:/path";
  if (path.find('\0') != absl::string_view::npos) return "the path holds a NUL byte";
  if (path.back() == '/') return "the path of a unix socket ends in a name";
  if (path.size() > kMaxSocketPathBytes) {
    return absl::StrCat("the path has ", path.size(), " bytes, a unix socket takes ",
                        kMaxSocketPathBytes, ": choose a shorter directory");
  }
  return "";
}

}  // namespace

bool Address::is_numeric() const { return IsV4(host_) || IsV6(host_); }

bool Address::is_loopback() const {
  in_addr v4;
  if (inet_pton(AF_INET, host_.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6;
  return inet_pton(AF_INET6, host_.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Address Address::WithPort(uint16_t port) const { return Address(path_, host_, port); }

std::string Address::ToString() const {
  if (is_unix()) return absl::StrCat("unix:", path_);
  if (IsV6(host_)) return absl::StrCat("[", host_, "]:", port_);
  return absl::StrCat(host_, ":", port_);
}

absl::StatusOr<Address> ParseAddress(absl::string_view text) {
  absl::string_view rest = text;
  if (absl::StartsWith(rest, "unix-abstract:") || absl::StartsWith(rest, "unix:@") ||
      absl::StartsWith(rest, "@")) {
    return Refusal(text, "an abstract socket has no permissions: use unix:/path");
  }
  if (absl::ConsumePrefix(&rest, "unix:")) {
    if (absl::StartsWith(rest, "///")) rest.remove_prefix(2);
    const std::string wrong = WrongWithPath(rest);
    if (!wrong.empty()) return Refusal(text, wrong);
    return Address(std::string(rest), "", 0);
  }
  const size_t colon = rest.rfind(':');
  if (colon == absl::string_view::npos) {
    return Refusal(text, "expected unix:/path, host:port or [v6]:port");
  }
  absl::string_view digits = rest.substr(colon + 1);
  uint32_t port = 0;
  if (digits.empty() || digits.size() > 5 || !absl::ascii_isdigit(digits[0]) ||
      !absl::SimpleAtoi(digits, &port) || port > 65535) {
    return Refusal(text, "the port is a number from 0 to 65535");
  }
  std::string host(rest.substr(0, colon));
  if (host.empty()) {
    return Refusal(text, "no host: 0.0.0.0 or [::] is every interface, 127.0.0.1 this machine");
  }
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!IsV6(host)) return Refusal(text, "'", host, "' is no IPv6 address");
  } else if (absl::StrContains(host, ":")) {
    return Refusal(text, "an IPv6 address stands in brackets: [::1]:4242");
  } else if (!IsV4(host) && !IsHostName(host)) {
    return Refusal(text, "'", absl::CHexEscape(host), "' is no IPv4 address and no host name");
  }
  return Address("", host, static_cast<uint16_t>(port));
}

}  // namespace cloister::rpc
