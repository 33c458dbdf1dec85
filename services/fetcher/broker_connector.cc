#include "services/fetcher/broker_connector.h"

#include <string>
#include <utility>

#include "cloister/internal/fetch.pb.h"
#include "libs/artifact/fetch_message.h"
#include "libs/artifact/retryable.h"
#include "libs/base/status_macros.h"
#include "libs/os/seqpacket.h"

namespace cloister::fetcher {
namespace {

absl::Status Gone() {
  return artifact::MarkRetryable(absl::UnavailableError("the broker of this fetch is gone"));
}

}  // namespace

absl::StatusOr<OwnedFd> BrokerConnector::Connect(absl::string_view scheme, absl::string_view host,
                                                 uint16_t port) {
  internal::ConnectRequest request;
  request.set_scheme(std::string(scheme));
  request.set_host(std::string(host));
  request.set_port(port);
  absl::MutexLock lock(&mutex_);
  const absl::Status sent = SendPacket(broker_, request.SerializeAsString());
  if (absl::IsInvalidArgument(sent)) return sent;
  if (!sent.ok()) return Gone();
  absl::StatusOr<Packet> packet = ReceivePacket(broker_);
  internal::ConnectReply reply;
  if (!packet.ok() || !reply.ParseFromString(packet->bytes)) return Gone();
  CLOISTER_RETURN_IF_ERROR(artifact::StatusFromMessage(reply.status()));
  if (packet->fds.size() != 1) return Gone();
  return std::move(packet->fds[0]);
}

}  // namespace cloister::fetcher
