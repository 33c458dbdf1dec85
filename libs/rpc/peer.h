// Who is at the other end of a unix socket, and whether we let them in.

#ifndef CLOISTER_LIBS_RPC_PEER_H_
#define CLOISTER_LIBS_RPC_PEER_H_

#include <sys/types.h>

#include <vector>

#include "absl/status/statusor.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {

// The uid that connected, as seen from our user namespace (SO_PEERCRED, unix(7)). The kernel noted
// it at connect(2): what the peer does later does not change it.
absl::StatusOr<uid_t> ReadPeerUid(int socket);

// The uid that the kernel shows for users who have none in our user namespace
// (/proc/sys/kernel/overflowuid, user_namespaces(7)).
absl::StatusOr<uid_t> ReadOverflowUid();

// Whom we let in.
struct PeerPolicy {
  uid_t own_uid;
  uid_t overflow_uid;
  std::vector<uid_t> allowed_uids;  // Beside root and own_uid.
};

// This process's: own effective uid, the kernel's overflow uid.
absl::StatusOr<PeerPolicy> ReadPeerPolicy(std::vector<uid_t> allowed_uids);

// The principal of a peer with this uid. PERMISSION_DENIED with the reason PEER_UID_NOT_ALLOWED for
// one who is neither root, own_uid nor allowed. The overflow uid, and 65534 whatever the kernel's
// setting, stands for any number of users: it is let in only if it is in allowed_uids, even where
// it is our own.
absl::StatusOr<Principal> AdmitPeer(uid_t uid, const PeerPolicy& policy);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_PEER_H_
