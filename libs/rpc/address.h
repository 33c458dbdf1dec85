// Where a server listens or a client dials: unix:/path, host:port or [v6]:port.

#ifndef CLOISTER_LIBS_RPC_ADDRESS_H_
#define CLOISTER_LIBS_RPC_ADDRESS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::rpc {

// sockaddr_un holds 108 bytes with the NUL (unix(7)).
inline constexpr size_t kMaxSocketPathBytes = 107;

// Only ParseAddress() makes one.
class Address {
 public:
  bool is_unix() const { return !path_.empty(); }

  // Of a unix address: absolute, at most kMaxSocketPathBytes. Empty for TCP.
  const std::string& path() const { return path_; }

  // Of a TCP address: an IPv4 address, an IPv6 address without brackets, or a name. Empty for unix.
  const std::string& host() const { return host_; }
  // 0: a listener lets the kernel choose.
  uint16_t port() const { return port_; }

  // A TCP address whose host is written as a number and not a name.
  bool is_numeric() const;
  // Numeric and in 127.0.0.0/8 or ::1: reached from this machine only. The name "localhost" is not,
  // as it means what a file says.
  bool is_loopback() const;

  // The same address with the port that the kernel chose.
  Address WithPort(uint16_t port) const;

  // "unix:/path", "host:port", "[v6]:port": ParseAddress() reads it back.
  std::string ToString() const;

 private:
  friend absl::StatusOr<Address> ParseAddress(absl::string_view text);
  Address(std::string path, std::string host, uint16_t port)
      : path_(std::move(path)), host_(std::move(host)), port_(port) {}

  std::string path_;
  std::string host_;
  uint16_t port_;
};

// INVALID_ARGUMENT with what is wrong: no port, a relative or abstract socket path, one too long.
absl::StatusOr<Address> ParseAddress(absl::string_view text);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_ADDRESS_H_
