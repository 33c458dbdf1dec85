#include "libs/os/seqpacket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"

namespace cloister {
namespace {

absl::StatusOr<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address;
  std::memset(&address, 0, sizeof(address));
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("socket path '", path, "': longer than 107 bytes or empty"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

absl::StatusOr<OwnedFd> NewSocket() {
  OwnedFd socket_fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket_fd.valid()) return ErrnoStatus(errno, "socket");
  return socket_fd;
}

void TakeFds(msghdr* message, std::vector<OwnedFd>* fds) {
  for (cmsghdr* header = CMSG_FIRSTHDR(message); header != nullptr;
       header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      fds->emplace_back(fd);
    }
  }
}

}  // namespace

absl::Status SendPacket(int socket, absl::string_view bytes, absl::Span<const int> fds) {
  if (bytes.empty() || bytes.size() > kMaxPacketBytes || fds.size() > kMaxPacketFds) {
    return absl::InvalidArgumentError(absl::StrCat("message of ", bytes.size(), " bytes with ",
                                                   fds.size(), " descriptors: not sendable"));
  }
  iovec piece = {const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxPacketFds * sizeof(int))];
  msghdr message;
  std::memset(&message, 0, sizeof(message));
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return absl::UnavailableError("socket buffer is full");
    if (errno == EPIPE || errno == ECONNRESET)
      return absl::FailedPreconditionError("peer has closed the socket");
    return ErrnoStatus(errno, "sendmsg");
  }
  return absl::OkStatus();
}

absl::StatusOr<Packet> ReceivePacket(int socket) {
  // One buffer a thread: messages are small as a rule, and 64 KiB on the heap for each would cost
  // more than the call.
  static thread_local char buffer[kMaxPacketBytes];
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxPacketFds * sizeof(int))];
  iovec piece = {buffer, sizeof(buffer)};
  msghdr message;
  std::memset(&message, 0, sizeof(message));
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t size;
  do {
    size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    if (errno == EAGAIN) return absl::UnavailableError("no message");
    if (errno == ECONNRESET) return absl::OutOfRangeError("peer has closed the socket");
    return ErrnoStatus(errno, "recvmsg");
  }
  Packet packet;
  TakeFds(&message, &packet.fds);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return absl::DataLossError("message was truncated");
  if (size == 0) return absl::OutOfRangeError("peer has closed the socket");
  packet.bytes.assign(buffer, static_cast<size_t>(size));
  return packet;
}

absl::StatusOr<std::pair<OwnedFd, OwnedFd>> MakeSeqpacketPair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
    return ErrnoStatus(errno, "socketpair");
  return std::make_pair(OwnedFd(fds[0]), OwnedFd(fds[1]));
}

absl::StatusOr<OwnedFd> ListenSeqpacket(const std::string& path) {
  absl::StatusOr<sockaddr_un> address = AddressOf(path);
  if (!address.ok()) return address.status();
  absl::StatusOr<OwnedFd> socket_fd = NewSocket();
  if (!socket_fd.ok()) return socket_fd;
  // Set on the socket before bind, so that the file is never open to others, whatever the umask.
  if (fchmod(socket_fd->get(), 0600) != 0) return ErrnoStatus(errno, path);
  if (bind(socket_fd->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0) {
    return ErrnoStatus(errno, absl::StrCat("bind '", path, "'"));
  }
  if (listen(socket_fd->get(), 16) != 0)
    return ErrnoStatus(errno, absl::StrCat("listen '", path, "'"));
  return socket_fd;
}

absl::StatusOr<OwnedFd> ConnectSeqpacket(const std::string& path) {
  absl::StatusOr<sockaddr_un> address = AddressOf(path);
  if (!address.ok()) return address.status();
  absl::StatusOr<OwnedFd> socket_fd = NewSocket();
  if (!socket_fd.ok()) return socket_fd;
  if (connect(socket_fd->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) !=
      0) {
    return ErrnoStatus(errno, absl::StrCat("connect '", path, "'"));
  }
  return socket_fd;
}

absl::StatusOr<PeerCredentials> GetPeerCredentials(int socket) {
  ucred credentials;
  socklen_t size = sizeof(credentials);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return ErrnoStatus(errno, "SO_PEERCRED");
  }
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace cloister
