#include "libs/artifact/egress_policy.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr int kV4Offset = 12;
constexpr int kV4Prefix = 96;

struct Special {
  const char* network;
  const char* what;
  bool may_be_allowed;
};

// First match decides, so what is never allowed stands before the wider range that may be.
// Sources: the IANA special-purpose registries for IPv4 and IPv6; the clouds' own manuals.
constexpr Special kSpecial[] = {
    {"169.254.169.254/32", "a cloud's metadata address", false},
    {"169.254.0.0/16", "link-local", false},
    {"100.100.100.200/32", "a cloud's metadata address", false},
    {"192.0.0.192/32", "a cloud's metadata address", false},
    {"168.63.129.16/32", "a cloud's metadata address", false},
    {"0.0.0.0/8", "this network (unspecified)", false},
    {"127.0.0.0/8", "loopback", true},
    {"10.0.0.0/8", "private", true},
    {"172.16.0.0/12", "private", true},
    {"192.168.0.0/16", "private", true},
    {"100.64.0.0/10", "shared address space (carrier NAT)", true},
    {"192.0.0.0/24", "reserved for protocols", false},
    {"192.0.2.0/24", "reserved for documentation", false},
    {"192.88.99.0/24", "6to4 relays", false},
    {"198.18.0.0/15", "reserved for benchmarks", true},
    {"198.51.100.0/24", "reserved for documentation", false},
    {"203.0.113.0/24", "reserved for documentation", false},
    {"224.0.0.0/4", "multicast", false},
    {"255.255.255.255/32", "broadcast", false},
    {"240.0.0.0/4", "reserved", false},
    {"::/128", "unspecified", false},
    {"::1/128", "loopback", true},
    {"::/96", "IPv4-compatible (deprecated)", false},
    {"fd00:ec2::/32", "a cloud's metadata address", false},
    {"fd20:ce::/32", "a cloud's metadata address", false},
    {"64:ff9b:1::/48", "local-use NAT64", true},
    {"100::/64", "discard-only", false},
    {"2001:db8::/32", "reserved for documentation", false},
    {"2001:2::/48", "reserved for benchmarks", true},
    {"2001:10::/28", "ORCHID", false},
    {"2001:20::/28", "ORCHID", false},
    {"3fff::/20", "reserved for documentation", false},
    {"5f00::/16", "segment routing", false},
    {"fc00::/7", "private (unique local)", true},
    {"fe80::/10", "link-local", false},
    {"fec0::/10", "site-local (deprecated)", false},
    {"ff00::/8", "multicast", false},
};

struct ParsedSpecial {
  Cidr network;
  const Special* entry;
};

const std::vector<ParsedSpecial>& ParsedSpecials() {
  static const auto* const parsed = [] {
    auto* const list = new std::vector<ParsedSpecial>;
    for (const Special& special : kSpecial) {
      list->push_back({*ParseCidr(special.network), &special});
    }
    return list;
  }();
  return *parsed;
}

IpAddress FromV4(const uint8_t* four) {
  IpAddress address;
  address.bytes[10] = 0xff;
  address.bytes[11] = 0xff;
  std::copy(four, four + 4, address.bytes.begin() + kV4Offset);
  return address;
}

bool HasPrefix(const IpAddress& address, absl::string_view prefix) {
  static const auto& hold =
      *new std::vector<std::pair<std::string, Cidr>>{{"nat64", *ParseCidr("64:ff9b::/96")},
                                                     {"6to4", *ParseCidr("2002::/16")},
                                                     {"teredo", *ParseCidr("2001::/32")}};
  for (const auto& entry : hold) {
    if (entry.first == prefix) return entry.second.Contains(address);
  }
  return false;
}

struct Carried {
  const char* form;
  IpAddress address;
};

// The IPv4 addresses that an IPv6 address stands for.
std::vector<Carried> CarriedAddresses(const IpAddress& address) {
  std::vector<Carried> carried;
  const uint8_t* const bytes = address.bytes.data();
  if (address.is_v4()) return carried;
  if (HasPrefix(address, "nat64")) carried.push_back({"NAT64", FromV4(bytes + 12)});
  if (HasPrefix(address, "6to4")) carried.push_back({"6to4", FromV4(bytes + 2)});
  if (HasPrefix(address, "teredo")) {
    const uint8_t client[4] = {static_cast<uint8_t>(~bytes[12]), static_cast<uint8_t>(~bytes[13]),
                               static_cast<uint8_t>(~bytes[14]), static_cast<uint8_t>(~bytes[15])};
    carried.push_back({"Teredo server", FromV4(bytes + 4)});
    carried.push_back({"Teredo", FromV4(client)});
  }
  // RFC 5214: the interface identifier is [02]00:5efe and the IPv4 address, under any prefix.
  if ((bytes[8] == 0x00 || bytes[8] == 0x02) && bytes[9] == 0x00 && bytes[10] == 0x5e &&
      bytes[11] == 0xfe) {
    carried.push_back({"ISATAP", FromV4(bytes + 12)});
  }
  return carried;
}

bool ContainsAny(const std::vector<Cidr>& networks, const IpAddress& address) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Cidr& network) { return network.Contains(address); });
}

// Why `address` alone is refused; empty if it is not. `listed`: it is in allowed_networks, or it is
// the proxy's.
std::string Refusal(const EgressPolicy& policy, const IpAddress& address, bool listed) {
  if (ContainsAny(policy.denied_networks, address)) return "is in a network that is denied";
  for (const ParsedSpecial& special : ParsedSpecials()) {
    if (!special.network.Contains(address)) continue;
    if (!special.entry->may_be_allowed) {
      return absl::StrCat("is ", special.entry->what, ", which is never connected to");
    }
    if (listed) return "";
    return absl::StrCat("is ", special.entry->what,
                        ", and no network that the node allows contains it");
  }
  return "";
}

bool MatchesHost(absl::string_view pattern, absl::string_view host) {
  if (!absl::StartsWith(pattern, "*.")) return pattern == host;
  const absl::string_view suffix = pattern.substr(1);
  return host.size() > suffix.size() && absl::EndsWith(host, suffix);
}

bool MatchesAnyHost(const std::vector<std::string>& patterns, absl::string_view host) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return MatchesHost(absl::AsciiStrToLower(pattern), host);
  });
}

// The form under which hosts are compared: lower case, without the dot of the DNS root.
std::string PlainHost(absl::string_view host) {
  std::string plain = absl::AsciiStrToLower(host);
  if (!plain.empty() && plain.back() == '.') plain.pop_back();
  return plain;
}

// What resolvers take for an IPv4 address though it is none in our text form: 127.1, 0x7f000001,
// 2130706433, 0177.0.0.1. Names of hosts never end in a label that is a number (RFC 3696 §2).
bool LooksNumeric(absl::string_view host) {
  const absl::string_view last = host.substr(host.rfind('.') + 1);
  if (last.empty()) return true;
  if (absl::StartsWith(last, "0x")) {
    return std::all_of(last.begin() + 2, last.end(), absl::ascii_isxdigit);
  }
  return std::all_of(last.begin(), last.end(), absl::ascii_isdigit);
}

absl::Status CheckHostText(absl::string_view host) {
  if (host.empty()) return absl::InvalidArgumentError("the host is empty");
  if (host.size() > 253) return absl::InvalidArgumentError("the host is longer than 253 bytes");
  for (const char c : host) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.' && c != '_') {
      return absl::InvalidArgumentError("the host has a character that no host has");
    }
  }
  if (LooksNumeric(host)) {
    return absl::InvalidArgumentError(
        absl::StrCat("host '", host, "' is a number but not an address as 192.0.2.1"));
  }
  return absl::OkStatus();
}

}  // namespace

bool IpAddress::is_v4() const {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(std::begin(kMapped), std::end(kMapped), bytes.begin());
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  const bool v4 = is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data() + (v4 ? kV4Offset : 0), text, sizeof(text));
  return text;
}

absl::StatusOr<IpAddress> ParseIpAddress(absl::string_view text) {
  const std::string copy(text);
  IpAddress address;
  uint8_t four[4];
  if (text.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("an address with NUL");
  }
  if (inet_pton(AF_INET, copy.c_str(), four) == 1) return FromV4(four);
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no IP address"));
}

bool Cidr::Contains(const IpAddress& address) const {
  const int whole = prefix / 8;
  if (!std::equal(network.bytes.begin(), network.bytes.begin() + whole, address.bytes.begin())) {
    return false;
  }
  if (prefix % 8 == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - prefix % 8));
  return (network.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

absl::StatusOr<Cidr> ParseCidr(absl::string_view text) {
  const size_t slash = text.find('/');
  Cidr cidr;
  CLOISTER_ASSIGN_OR_RETURN(cidr.network, ParseIpAddress(text.substr(0, slash)));
  const bool v4 = text.substr(0, slash).find(':') == absl::string_view::npos;
  const int width = v4 ? 32 : 128;
  cidr.prefix = width;
  if (slash != absl::string_view::npos) {
    const absl::string_view digits = text.substr(slash + 1);
    const bool number =
        !digits.empty() && std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit);
    if (!number || !absl::SimpleAtoi(digits, &cidr.prefix) || cidr.prefix > width) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", text, "': the prefix must be a number from 0 to ", width));
    }
  }
  if (v4) cidr.prefix += kV4Prefix;
  for (int bit = cidr.prefix; bit < 128; ++bit) {
    if ((cidr.network.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
      return absl::InvalidArgumentError(absl::StrCat("'", text, "': has bits beyond its prefix"));
    }
  }
  return cidr;
}

absl::Status CheckDestination(const EgressPolicy& policy, absl::string_view scheme,
                              absl::string_view host, uint16_t port) {
  const std::string plain = PlainHost(host);
  if (port == 0) return absl::InvalidArgumentError("port 0 cannot be connected to");
  const absl::StatusOr<IpAddress> literal = ParseIpAddress(plain);
  if (!literal.ok()) CLOISTER_RETURN_IF_ERROR(CheckHostText(plain));
  if (scheme == kProxyScheme) {
    if (policy.proxy_host.empty() || plain != PlainHost(policy.proxy_host) ||
        port != policy.proxy_port) {
      return absl::PermissionDeniedError(
          absl::StrCat("egress: ", host, ":", port, " is not the proxy of this node"));
    }
  } else {
    if (std::find(policy.schemes.begin(), policy.schemes.end(), scheme) == policy.schemes.end()) {
      return absl::PermissionDeniedError(
          absl::StrCat("egress: scheme '", scheme, "' is not allowed on this node"));
    }
    if (MatchesAnyHost(policy.denied_hosts, plain)) {
      return absl::PermissionDeniedError(
          absl::StrCat("egress: host '", host, "' is denied on this node"));
    }
    if (!policy.allowed_hosts.empty() && !MatchesAnyHost(policy.allowed_hosts, plain)) {
      return absl::PermissionDeniedError(
          absl::StrCat("egress: host '", host, "' is not among those that this node allows"));
    }
  }
  return literal.ok() ? CheckAddress(policy, scheme, host, *literal) : absl::OkStatus();
}

absl::Status CheckAddress(const EgressPolicy& policy, absl::string_view scheme,
                          absl::string_view host, const IpAddress& address) {
  const bool proxy = scheme == kProxyScheme;
  const bool listed = proxy || ContainsAny(policy.allowed_networks, address);
  std::string why = Refusal(policy, address, listed);
  absl::string_view form;
  for (const Carried& carried : CarriedAddresses(address)) {
    if (!why.empty()) break;
    // Listing the IPv6 network is enough, or the one that it carries.
    const bool carried_listed = listed || ContainsAny(policy.allowed_networks, carried.address);
    why = Refusal(policy, carried.address, carried_listed);
    form = carried.form;
  }
  if (why.empty()) return absl::OkStatus();
  if (!form.empty()) why = absl::StrCat("as ", form, " ", why);
  return absl::PermissionDeniedError(
      absl::StrCat("egress: ", host, host == address.ToString() ? "" : " at ",
                   host == address.ToString() ? "" : address.ToString(), " ", why));
}

}  // namespace cloister::artifact
