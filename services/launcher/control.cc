#include "services/launcher/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister {

absl::Status Control::Accept() {
  OwnedFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection.valid()) return ErrnoStatus(errno, "accept");
  CLOISTER_ASSIGN_OR_RETURN(const PeerCredentials peer, GetPeerCredentials(connection.get()));
  if (peer.uid != geteuid()) {
    return absl::PermissionDeniedError(
        absl::StrCat("controller of uid ", peer.uid, ": not our own"));
  }
  // Alive or stopped, the old one may still send: two controllers could start one task twice.
  if (controller_.valid() && connection_.valid() && !controller_.HasEnded()) {
    return absl::FailedPreconditionError("another controller is connected and alive");
  }
  CLOISTER_ASSIGN_OR_RETURN(controller_, PidFd::Open(peer.pid));
  backlog_.clear();
  connection_ = std::move(connection);
  return absl::OkStatus();
}

void Control::Drop() {
  connection_.reset();
  backlog_.clear();
}

absl::StatusOr<Packet> Control::Receive() {
  absl::StatusOr<Packet> packet = ReceivePacket(connection_.get());
  if (!packet.ok() && !absl::IsUnavailable(packet.status())) Drop();
  return packet;
}

bool Control::HasMore() const {
  char byte;
  return recv(connection_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

void Control::Send(const internal::LauncherEvent& event) {
  if (!connection_.valid()) return;
  backlog_.push_back(event.SerializeAsString());
  if (backlog_.size() == 1) Flush();
}

void Control::Flush() {
  while (!backlog_.empty()) {
    const absl::Status sent = SendPacket(connection_.get(), backlog_.front());
    if (absl::IsUnavailable(sent)) return;
    if (!sent.ok()) {
      // Receive will see the end too; what waits is of no use to the next one, who asks for
      // everything.
      backlog_.clear();
      return;
    }
    backlog_.pop_front();
  }
}

}  // namespace cloister
