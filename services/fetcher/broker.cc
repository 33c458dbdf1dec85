#include "services/fetcher/broker.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "cloister/internal/fetch.pb.h"
#include "libs/artifact/direct_connector.h"
#include "libs/artifact/fetch_message.h"
#include "libs/artifact/fetcher_wire.h"
#include "libs/os/seqpacket.h"
#include "services/fetcher/confine.h"

namespace cloister::fetcher {
namespace {

constexpr uint32_t kMaxPort = 65535;
// The longest name that DNS has.
constexpr size_t kMaxHostBytes = 253;

absl::StatusOr<OwnedFd> Connect(artifact::Connector& connector,
                                const internal::ConnectRequest& request) {
  if (request.port() == 0 || request.port() > kMaxPort || request.host().empty() ||
      request.host().size() > kMaxHostBytes || request.host().find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("a connection to nowhere");
  }
  return connector.Connect(request.scheme(), request.host(), static_cast<uint16_t>(request.port()));
}

}  // namespace

int RunBroker() {
  absl::StatusOr<artifact::BrokerOrders> orders = artifact::ReceiveOrders(kExecutorFd);
  if (!orders.ok()) return 1;
  artifact::DirectConnector connector(orders->policy, orders->connect);
  uint32_t connections = 0;
  for (;;) {
    // The cell is hostile: it gets what the orders say, or a sentence.
    const absl::StatusOr<Packet> packet = ReceivePacket(kPeerFd);
    internal::ConnectRequest request;
    if (!packet.ok() || !packet->fds.empty() || !request.ParseFromString(packet->bytes)) return 0;
    absl::StatusOr<OwnedFd> connected = absl::ResourceExhaustedError(absl::StrCat(
        "more than ", orders->connections, " connections for one artifact: connections"));
    if (connections < orders->connections) {
      ++connections;
      connected = Connect(connector, request);
    }
    internal::ConnectReply reply;
    *reply.mutable_status() = artifact::StatusToMessage(connected.status());
    const absl::Status sent =
        connected.ok() ? SendPacket(kPeerFd, reply.SerializeAsString(), {connected->get()})
                       : SendPacket(kPeerFd, reply.SerializeAsString());
    if (!sent.ok()) return 0;
  }
}

}  // namespace cloister::fetcher
