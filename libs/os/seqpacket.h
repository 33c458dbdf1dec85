// Messages with file descriptors over SOCK_SEQPACKET unix sockets: the wire between executor and
// launcher. Source: unix(7), cmsg(3).
#ifndef CLOISTER_LIBS_OS_SEQPACKET_H_
#define CLOISTER_LIBS_OS_SEQPACKET_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/base/owned_fd.h"

namespace cloister {

// Largest message that SendPacket takes. What may be larger travels in a memfd beside the message.
constexpr size_t kMaxPacketBytes = 64 * 1024;
constexpr size_t kMaxPacketFds = 8;

struct Packet {
  std::string bytes;
  std::vector<OwnedFd> fds;
};

struct PeerCredentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

// Sends one message whole, with copies of `fds` (borrowed). Blocks on a blocking socket; on a
// non-blocking one UNAVAILABLE says that the buffer is full. The peer being gone is
// FAILED_PRECONDITION.
absl::Status SendPacket(int socket, absl::string_view bytes, absl::Span<const int> fds = {});

// Receives one message; its descriptors are CLOEXEC and owned by the result. OUT_OF_RANGE at end of
// file, UNAVAILABLE when a non-blocking socket has none. A truncated message is DATA_LOSS.
absl::StatusOr<Packet> ReceivePacket(int socket);

// A connected pair.
absl::StatusOr<std::pair<OwnedFd, OwnedFd>> MakeSeqpacketPair();

// Binds and listens at `path` (at most 107 bytes); the socket file is 0600. The directory must be
// the caller's own, 0700.
absl::StatusOr<OwnedFd> ListenSeqpacket(const std::string& path);
absl::StatusOr<OwnedFd> ConnectSeqpacket(const std::string& path);

// SO_PEERCRED: who connected, as of connect(2) or socketpair(2).
absl::StatusOr<PeerCredentials> GetPeerCredentials(int socket);

}  // namespace cloister

#endif  // CLOISTER_LIBS_OS_SEQPACKET_H_
