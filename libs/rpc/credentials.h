// gRPC credentials of mutual TLS: both ends show a certificate of the cluster's authority, and each
// checks the other's role. Host names play no part: a node is known by its name, not its address.
// TLS 1.2 at least (gRPC's own floor). Needs files that CheckTlsFiles() (tls_files.h) found fit.

#ifndef CLOISTER_LIBS_RPC_CREDENTIALS_H_
#define CLOISTER_LIBS_RPC_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "libs/rpc/principal.h"
#include "libs/rpc/tls_files.h"

namespace cloister::rpc {

// How often the files are looked at: new ones serve from the next handshake on, connections stay.
// Whole seconds, at least one. A pair that does not fit together leaves the old one in use.
inline constexpr absl::Duration kTlsReloadInterval = absl::Seconds(30);

// The client must show a certificate of the authority; which role it needs, the method decides
// (authorizer.h).
std::shared_ptr<grpc::ServerCredentials> MutualTlsServerCredentials(
    const TlsFiles& files, absl::Duration reload_interval = kTlsReloadInterval);

// Whom a client expects to find at an address.
struct ExpectedServer {
  RoleSet roles;     // {kFrontend}, {kNode}
  std::string name;  // Exactly this one; empty: any.
};

// Fails the handshake if the server's certificate is not one of the authority's with the expected
// role and name, so that no client or other node can stand in for it.
std::shared_ptr<grpc::ChannelCredentials> MutualTlsChannelCredentials(
    const TlsFiles& files, ExpectedServer expected,
    absl::Duration reload_interval = kTlsReloadInterval);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_CREDENTIALS_H_
