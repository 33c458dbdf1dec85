// Where a fetch may connect to: schemes, hosts and addresses. Decides only; whoever connects checks
// the address that it connects to, not the name.
//
// Addresses are judged by what they mean: an IPv6 form that carries an IPv4 address (mapped,
// NAT64 64:ff9b::/96, 6to4, Teredo, ISATAP) is judged by that address as well.
#ifndef CLOISTER_LIBS_ARTIFACT_EGRESS_POLICY_H_
#define CLOISTER_LIBS_ARTIFACT_EGRESS_POLICY_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::artifact {

// The scheme under which the connection to the node's own HTTP proxy is asked for, in place of that
// of the source. Only the proxy that the node's configuration names is connected to.
constexpr absl::string_view kProxyScheme = "proxy";

// An IPv4 address is held in its mapped form ::ffff:a.b.c.d; so is one that was written so.
struct IpAddress {
  std::array<uint8_t, 16> bytes = {};

  bool is_v4() const;
  // "192.0.2.1", "2001:db8::1".
  std::string ToString() const;
  bool operator==(const IpAddress& other) const { return bytes == other.bytes; }
};

// Dotted quads and RFC 4291 text only: no "127.1", no octal, no zone, no brackets.
absl::StatusOr<IpAddress> ParseIpAddress(absl::string_view text);

struct Cidr {
  IpAddress network;
  int prefix = 0;  // Of 128, also for IPv4 (10.0.0.0/8 is 104).

  bool Contains(const IpAddress& address) const;
};

// "10.0.0.0/8", "fd00::/8", or one address. Bits beyond the prefix must be zero.
absl::StatusOr<Cidr> ParseCidr(absl::string_view text);

struct EgressPolicy {
  std::vector<std::string> schemes = {"http", "https", "ssh"};

  // Exact names or "*.example.com" (not example.com itself), lower case. Empty: every host that
  // `denied_hosts` does not name.
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> denied_hosts;

  // Networks that are refused unless listed here: loopback, private (RFC 1918, fc00::/7), shared
  // (100.64.0.0/10). Listing does not open what is never connected to: link-local, the metadata
  // addresses of clouds, multicast, broadcast, unspecified, reserved.
  std::vector<Cidr> allowed_networks;
  // Refused whatever else says.
  std::vector<Cidr> denied_networks;

  // The node's HTTP proxy: the one endpoint that kProxyScheme connects to. Empty: none. Its address
  // may be private or loopback, as the operator wrote it. What is asked of the proxy is then judged
  // by scheme, host and literal address only: names are resolved by the proxy.
  std::string proxy_host;
  uint16_t proxy_port = 0;
};

// Everything that can be said before a name is resolved; a literal address is judged as one. `host`
// without brackets. PERMISSION_DENIED says what is refused and by which rule.
absl::Status CheckDestination(const EgressPolicy& policy, absl::string_view scheme,
                              absl::string_view host, uint16_t port);

// To be asked of the address that is about to be connected to. `host` is for the sentence.
absl::Status CheckAddress(const EgressPolicy& policy, absl::string_view scheme,
                          absl::string_view host, const IpAddress& address);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_EGRESS_POLICY_H_
