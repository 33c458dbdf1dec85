// Who may join as which node.
#ifndef CLOISTER_SERVICES_FRONTEND_JOIN_POLICY_H_
#define CLOISTER_SERVICES_FRONTEND_JOIN_POLICY_H_

#include "absl/status/status.h"
#include "cloister/v1/node_service.pb.h"
#include "libs/rpc/principal.h"

namespace cloister::frontend {

// A node's certificate is good for the node of its own name only, and for a TCP address: there the
// frontend finds out whether that node answers. Behind a unix socket of our machine it could be
// anything. The owner of our process and dev may join as any node, at any address.
// PERMISSION_DENIED with NODE_NAME_MISMATCH or NODE_ADDRESS_NOT_ALLOWED; INVALID_ARGUMENT for an
// address that is none, and for more attributes than a node is shown by.
absl::Status MayJoin(const rpc::Principal& caller, const v1::Node& node);

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_JOIN_POLICY_H_
