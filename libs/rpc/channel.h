// A client's channel to a frontend or an executor: unix:/path, or host:port with mutual TLS, or
// loopback in plaintext in dev mode. With keepalive, and with retries of what may be repeated.

#ifndef CLOISTER_LIBS_RPC_CHANNEL_H_
#define CLOISTER_LIBS_RPC_CHANNEL_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/rpc/address.h"
#include "libs/rpc/credentials.h"
#include "libs/rpc/deadline.h"
#include "libs/rpc/tls_files.h"

namespace cloister::rpc {

struct ChannelOptions {
  absl::optional<TlsFiles> tls;  // For TCP.
  ExpectedServer expected;       // Over TLS: whose certificate the server must show.
  bool dev_mode = false;         // Allows plaintext to loopback where there is no `tls`.
  // Services whose calls may be sent again when a server was not there (UNAVAILABLE) and nothing
  // has been answered: four tries within some seconds, fewer when many fail. All of ours may, as
  // each mutation has a request_id.
  std::vector<std::string> retried_services = {"cloister.v1.TaskService",
                                               "cloister.v1.NodeService"};
  absl::Duration tls_reload_interval = kTlsReloadInterval;
};

// Connects when it is first used, and again whenever it has to, after a second at the latest once
// the server is back (unix) or ten (TCP). INVALID_ARGUMENT for plaintext to anywhere but loopback
// in dev mode; the errors of CheckTlsFiles(). Each channel has a connection of its own. Every call
// needs a deadline: SetDeadline() of deadline.h.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const Address& address,
                                                           const ChannelOptions& options);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_CHANNEL_H_
