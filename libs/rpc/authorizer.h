// Whether a call is allowed: who makes it, for whom, and what the server's method table says.
// Default deny.

#ifndef CLOISTER_LIBS_RPC_AUTHORIZER_H_
#define CLOISTER_LIBS_RPC_AUTHORIZER_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/rpc/method_table.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {

// Metadata in which a frontend tells the executor for whom it calls: Principal::ToString().
inline constexpr absl::string_view kPrincipalMetadata = "cloister-principal";

struct CallIdentity {
  Principal caller;     // Of the connection.
  Principal principal;  // For whom: the caller, unless a forwarder said another.
};

// Immutable; shared by a server and its handlers.
class Authorizer {
 public:
  Authorizer(MethodTable methods, PeerPolicy peers, bool dev_mode);

  // With this process's uid. `allowed_uids` may use the unix sockets beside root and our own user.
  // In dev mode calls over plaintext loopback are of the principal `dev`.
  static absl::StatusOr<Authorizer> Create(MethodTable methods, std::vector<uid_t> allowed_uids,
                                           bool dev_mode);

  // What the server does for each call, before its request is parsed or its handler runs
  // (guarded_service.h). PERMISSION_DENIED or UNAUTHENTICATED with a reason: METHOD_NOT_LISTED,
  // ROLE_NOT_ALLOWED, PRINCIPAL_NOT_BELIEVED, PRINCIPAL_INVALID, and those of CallPrincipal().
  absl::Status Authorize(absl::string_view method, const grpc::ServerContextBase& context) const;

  // For handlers, of a call that is authorised and not done.
  absl::StatusOr<CallIdentity> Identify(const grpc::ServerContextBase& context) const;

  // The pure parts of both. `forwarded` are the values of kPrincipalMetadata.
  absl::StatusOr<CallIdentity> Believe(const Principal& caller,
                                       const std::vector<absl::string_view>& forwarded) const;
  absl::Status Decide(absl::string_view method, const CallIdentity& identity) const;

  const PeerPolicy& peers() const { return peers_; }
  bool dev_mode() const { return dev_mode_; }

 private:
  absl::flat_hash_map<std::string, MethodRule> rules_;
  RoleSet forwarders_;
  PeerPolicy peers_;
  bool dev_mode_;
};

// For NodeSession: a node's certificate speaks for the node of its own name only. Callers that are
// no nodes, which the method table lets in (the owner, dev), may speak for any.
absl::Status CheckNodeName(const Principal& caller, absl::string_view node_id);

// For the frontend, on a call to an executor.
void ForwardPrincipal(const Principal& principal, grpc::ClientContext* context);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_AUTHORIZER_H_
