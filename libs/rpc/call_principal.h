// Who makes this call: of the connection it came on.

#ifndef CLOISTER_LIBS_RPC_CALL_PRINCIPAL_H_
#define CLOISTER_LIBS_RPC_CALL_PRINCIPAL_H_

#include <grpcpp/server_context.h>

#include "absl/status/statusor.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {

// For calls that are not done: the descriptor of a unix connection, by which its peer is known,
// stays open, and so its number unused by others, as long as a call on the connection lives (gRPC's
// transport closes it when the last stream is gone; server_test holds it to that).
//
// UNAUTHENTICATED (reason NOT_AUTHENTICATED) for a connection that shows nothing, unless
// `dev_mode`; else the errors of Principal::FromUriNames() and AdmitPeer().
absl::StatusOr<Principal> CallPrincipal(const grpc::ServerContextBase& context,
                                        const PeerPolicy& peers, bool dev_mode);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_CALL_PRINCIPAL_H_
