#include "libs/artifact/fetcher_wire.h"

#include <string>
#include <utility>
#include <vector>

#include "libs/base/status_macros.h"
#include "libs/os/memfd.h"
#include "libs/os/seqpacket.h"

namespace cloister::artifact {
namespace {

// Beyond it a message goes by memfd.
constexpr size_t kMaxInline = 32 * 1024;
constexpr size_t kMaxMemfd = 64 << 20;

template <typename Message>
absl::Status SendMessage(int socket, const Message& message, std::vector<int> fds) {
  const std::string bytes = message.SerializeAsString();
  if (bytes.size() <= kMaxInline) return SendPacket(socket, bytes, fds);
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd memfd, MakeSealedMemfd("cloister-fetch", bytes, 0400));
  Message envelope;
  envelope.set_in_fd(true);
  fds.insert(fds.begin(), memfd.get());
  return SendPacket(socket, envelope.SerializeAsString(), fds);
}

// `packet->fds` is what is left of them then.
template <typename Message>
absl::StatusOr<Message> ReadMessage(Packet* packet) {
  const absl::Status malformed = absl::DataLossError("fetch: a message that is none");
  Message message;
  if (!message.ParseFromString(packet->bytes)) return malformed;
  if (!message.in_fd()) return message;
  if (packet->fds.empty()) return malformed;
  CLOISTER_ASSIGN_OR_RETURN(const std::string bytes,
                            ReadSealedMemfd(packet->fds[0].get(), kMaxMemfd));
  packet->fds.erase(packet->fds.begin());
  if (!message.ParseFromString(bytes)) return malformed;
  return message;
}

}  // namespace

absl::Status SendRequest(int socket, const FetchRequest& request, int ca) {
  internal::CellRequest message;
  *message.mutable_request() = RequestToMessage(request);
  std::vector<int> fds;
  message.set_has_ca(ca >= 0);
  if (ca >= 0) fds.push_back(ca);
  message.set_has_file(request.file_fd >= 0);
  if (request.file_fd >= 0) fds.push_back(request.file_fd);
  return SendMessage(socket, message, std::move(fds));
}

absl::StatusOr<ReceivedRequest> ReceiveRequest(int socket) {
  CLOISTER_ASSIGN_OR_RETURN(Packet packet, ReceivePacket(socket));
  CLOISTER_ASSIGN_OR_RETURN(const internal::CellRequest message,
                            ReadMessage<internal::CellRequest>(&packet));
  const size_t wanted = (message.has_ca() ? 1U : 0U) + (message.has_file() ? 1U : 0U);
  if (packet.fds.size() != wanted) {
    return absl::DataLossError("fetch: a request without its descriptors");
  }
  ReceivedRequest received;
  CLOISTER_ASSIGN_OR_RETURN(received.request, RequestFromMessage(message.request()));
  if (message.has_ca()) {
    CLOISTER_ASSIGN_OR_RETURN(received.request.http.ca_pem,
                              ReadSealedMemfd(packet.fds[0].get(), kMaxMemfd));
  }
  if (message.has_file()) {
    received.file = std::move(packet.fds.back());
    received.request.file_fd = received.file.get();
  }
  return received;
}

absl::Status SendOrders(int socket, const BrokerOrders& orders) {
  return SendMessage(socket, OrdersToMessage(orders), {});
}

absl::StatusOr<BrokerOrders> ReceiveOrders(int socket) {
  CLOISTER_ASSIGN_OR_RETURN(Packet packet, ReceivePacket(socket));
  CLOISTER_ASSIGN_OR_RETURN(const internal::BrokerPolicy message,
                            ReadMessage<internal::BrokerPolicy>(&packet));
  return OrdersFromMessage(message);
}

}  // namespace cloister::artifact
