// A gRPC server as every Cloister service runs one: it listens only where strangers cannot get in,
// asks the authorizer about each call, serves health and reflection, bounds what a peer can make it
// hold, and drains before it stops.
//
//   DrainSignal drain;
//   CLOISTER_ASSIGN_OR_RETURN(auto authorizer, Authorizer::Create(ExecutorMethodTable(), {},
//   false)); TaskServiceHandlers tasks(&authorizer, &drain, ...); ServerOptions options;
//   options.listen = {*ParseAddress("unix:/run/cloister/executor.sock")};
//   options.services = {Serve<cloister::v1::TaskService>(&tasks)};
//   CLOISTER_ASSIGN_OR_RETURN(auto server, Server::Start(options, &authorizer, &drain));
//   ... SIGTERM ...
//   server->Drain(absl::Seconds(10));

#ifndef CLOISTER_LIBS_RPC_SERVER_H_
#define CLOISTER_LIBS_RPC_SERVER_H_

#include <grpcpp/server.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/rpc/address.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/connection_acceptor.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/guarded_service.h"
#include "libs/rpc/health_service.h"
#include "libs/rpc/tls_files.h"

namespace cloister::rpc {

// The same for every server, beside what clients are told to do (channel.h).
inline constexpr int kMaxMessageBytes = 4 << 20;
inline constexpr int kMaxMetadataBytes = 16 << 10;
// Calls at once on one connection: a frontend's whole traffic to a node shares one, and 2 000
// waiters are nothing special.
inline constexpr int kMaxConcurrentStreams = 8192;

struct ServerOptions {
  std::vector<Address> listen;   // At least one.
  absl::optional<TlsFiles> tls;  // For TCP addresses.
  std::vector<ServedService> services;
  ConnectionLimits connections;
  absl::Duration handshake_timeout = absl::Seconds(10);  // TLS and HTTP/2 settings.
  size_t max_memory_bytes = 512u << 20;  // Of gRPC's buffers; beyond it, calls are refused.
  absl::Duration tls_reload_interval = absl::Seconds(30);
};

class Server {
 public:
  // Listens and serves when it returns. `authorizer`, `drain` and the services outlive the server.
  // Errors: those of CheckListenAddress() and of binding, with the address; nothing is left then.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options,
                                                       const Authorizer* authorizer,
                                                       DrainSignal* drain);

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Drains without patience.
  ~Server();

  // Where it listens, with the ports that the kernel chose; in the order asked for.
  const std::vector<Address>& addresses() const;

  // "" and all services are SERVING from the start; a service that is not ready says so here.
  HealthService& health();

  ConnectionCounters connections() const;

  // Health says NOT_SERVING, no connection is accepted any more, the drain signal fires, clients
  // are told to go (GOAWAY). Returns when the last call has ended; calls that are open after
  // `patience` are cut off with UNAVAILABLE. Handlers must end a call that is cancelled. A second
  // time does nothing. Not from a handler.
  void Drain(absl::Duration patience);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_SERVER_H_
