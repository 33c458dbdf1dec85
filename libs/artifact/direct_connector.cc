#include "libs/artifact/direct_connector.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/artifact/retryable.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

socklen_t FillAddress(const IpAddress& address, uint16_t port, sockaddr_storage* storage) {
  std::memset(storage, 0, sizeof(*storage));
  if (address.is_v4()) {
    auto* const v4 = reinterpret_cast<sockaddr_in*>(storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    std::memcpy(&v4->sin_addr, address.bytes.data() + 12, 4);
    return sizeof(*v4);
  }
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(storage);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  std::memcpy(&v6->sin6_addr, address.bytes.data(), 16);
  return sizeof(*v6);
}

// 0, or the errno of the connection.
int AwaitConnected(int fd, absl::Time deadline) {
  for (;;) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0) return ETIMEDOUT;
    pollfd event = {fd, POLLOUT, 0};
    const int ready = poll(&event, 1, static_cast<int>(std::min<int64_t>(left, 1 << 30)));
    if (ready < 0 && errno != EINTR) return errno;
    if (ready <= 0) continue;
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
  }
}

absl::StatusOr<OwnedFd> ConnectTo(const IpAddress& address, uint16_t port, absl::Time deadline,
                                  const std::string& what) {
  sockaddr_storage storage;
  const socklen_t size = FillAddress(address, port, &storage);
  OwnedFd fd(socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!fd.valid()) return MarkRetryable(ErrnoStatus(errno, what));
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  int error = 0;
  // Once, and then poll: see Connector::Connect.
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    error = errno == EINPROGRESS || errno == EINTR ? AwaitConnected(fd.get(), deadline) : errno;
  }
  if (error != 0) {
    return MarkRetryable(absl::UnavailableError(absl::StrCat(what, ": ", ErrnoWords(error))));
  }
  const int flags = fcntl(fd.get(), F_GETFL);
  if (flags < 0 || fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, what);
  }
  return fd;
}

}  // namespace

absl::StatusOr<std::vector<IpAddress>> SystemResolver(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    const std::string text = absl::StrCat("resolve '", host, "': ", gai_strerror(error));
    if (error == EAI_NONAME || error == EAI_NODATA) return absl::NotFoundError(text);
    return MarkRetryable(absl::UnavailableError(text));
  }
  std::vector<IpAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    IpAddress address;
    if (entry->ai_family == AF_INET) {
      address.bytes[10] = address.bytes[11] = 0xff;
      std::memcpy(address.bytes.data() + 12,
                  &reinterpret_cast<const sockaddr_in*>(entry->ai_addr)->sin_addr, 4);
    } else if (entry->ai_family == AF_INET6) {
      std::memcpy(address.bytes.data(),
                  &reinterpret_cast<const sockaddr_in6*>(entry->ai_addr)->sin6_addr, 16);
    } else {
      continue;
    }
    addresses.push_back(address);
  }
  freeaddrinfo(list);
  return addresses;
}

DirectConnector::DirectConnector(EgressPolicy policy, absl::Duration timeout, Resolver resolver)
    : policy_(std::move(policy)), timeout_(timeout), resolver_(std::move(resolver)) {}

absl::StatusOr<OwnedFd> DirectConnector::Connect(absl::string_view scheme, absl::string_view host,
                                                 uint16_t port) {
  const absl::Time deadline = absl::Now() + timeout_;
  CLOISTER_RETURN_IF_ERROR(CheckDestination(policy_, scheme, host, port));
  std::vector<IpAddress> addresses;
  const absl::StatusOr<IpAddress> literal = ParseIpAddress(host);
  if (literal.ok()) {
    addresses.push_back(*literal);
  } else {
    CLOISTER_ASSIGN_OR_RETURN(addresses, resolver_(std::string(host)));
  }
  absl::Status refused;
  absl::Status failed;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const absl::Status allowed = CheckAddress(policy_, scheme, host, addresses[i]);
    if (!allowed.ok()) {
      if (refused.ok()) refused = allowed;
      continue;
    }
    // One that swallows packets leaves time for those after it.
    const absl::Time now = absl::Now();
    const absl::Time share = now + (deadline - now) / static_cast<int>(addresses.size() - i);
    const std::string what =
        absl::StrCat("connect to ", host, ":", port, " at ", addresses[i].ToString());
    absl::StatusOr<OwnedFd> fd = ConnectTo(addresses[i], port, share, what);
    if (fd.ok()) return fd;
    failed = fd.status();
  }
  if (!failed.ok()) return failed;
  if (!refused.ok()) return refused;
  return absl::NotFoundError(absl::StrCat("resolve '", host, "': no address"));
}

absl::Status DirectConnector::MayAskProxyFor(absl::string_view scheme, absl::string_view host,
                                             uint16_t port) {
  return CheckDestination(policy_, scheme, host, port);
}

}  // namespace cloister::artifact
