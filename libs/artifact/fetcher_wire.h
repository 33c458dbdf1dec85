// What an executor sends to a cell and to a broker, each on a socket of its own. Secrets are on the
// cell's alone, or in sealed memory that is passed over it.
#ifndef CLOISTER_LIBS_ARTIFACT_FETCHER_WIRE_H_
#define CLOISTER_LIBS_ARTIFACT_FETCHER_WIRE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/artifact/fetch.h"
#include "libs/artifact/fetch_message.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

constexpr uint32_t kFetcherWireVersion = 1;

// `ca`: request.http.ca_pem as a sealed memfd; -1: it is empty.
absl::Status SendRequest(int socket, const FetchRequest& request, int ca);

struct ReceivedRequest {
  FetchRequest request;
  // request.file_fd.
  OwnedFd file;
};
// What SendRequest sent. Blocks; OUT_OF_RANGE at end of file.
absl::StatusOr<ReceivedRequest> ReceiveRequest(int socket);

absl::Status SendOrders(int socket, const BrokerOrders& orders);
absl::StatusOr<BrokerOrders> ReceiveOrders(int socket);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_FETCHER_WIRE_H_
