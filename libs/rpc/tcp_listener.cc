#include "libs/rpc/tcp_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/rpc/address.h"

namespace cloister::rpc {
namespace {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

absl::StatusOr<SocketAddress> MakeSocketAddress(const Address& address) {
  SocketAddress result;
  sockaddr_in v4 = {};
  sockaddr_in6 v6 = {};
  if (inet_pton(AF_INET, address.host().c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port());
    memcpy(&result.storage, &v4, result.size = sizeof(v4));
  } else if (inet_pton(AF_INET6, address.host().c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port());
    memcpy(&result.storage, &v6, result.size = sizeof(v6));
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat(address.ToString(), " is no numeric TCP address"));
  }
  return result;
}

absl::StatusOr<uint16_t> BoundPort(int fd) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return ErrnoStatus(errno, "reading the port");
  }
  const in_port_t port = storage.ss_family == AF_INET
                             ? reinterpret_cast<sockaddr_in*>(&storage)->sin_port
                             : reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port;
  return ntohs(port);
}

}  // namespace

absl::StatusOr<TcpListener> TcpListener::Listen(const Address& address) {
  const absl::StatusOr<SocketAddress> target = MakeSocketAddress(address);
  if (!target.ok()) return target.status();
  const int family = target->storage.ss_family;
  OwnedFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus(errno, address.ToString());
  const int on = 1;
  const int off = 0;
  // After a restart the port is free at once, in spite of connections in TIME_WAIT.
  bool set = setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
  if (family == AF_INET6) {
    set = set && setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0;
  }
  if (!set || bind(fd.get(), reinterpret_cast<const sockaddr*>(&target->storage), target->size) ||
      listen(fd.get(), SOMAXCONN)) {
    return ErrnoStatus(errno, absl::StrCat("cannot listen on ", address.ToString()));
  }
  const absl::StatusOr<uint16_t> port = BoundPort(fd.get());
  if (!port.ok()) return port.status();
  return TcpListener(std::move(fd), address.WithPort(*port));
}

}  // namespace cloister::rpc
