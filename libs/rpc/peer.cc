#include "libs/rpc/peer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {
namespace {

constexpr char kOverflowUidFile[] = "/proc/sys/kernel/overflowuid";
// "nobody" everywhere, and the kernel's default for the overflow uid.
constexpr uid_t kNobody = 65534;

}  // namespace

absl::StatusOr<uid_t> ReadPeerUid(int socket) {
  ucred credentials;
  socklen_t size = sizeof(credentials);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return ErrnoStatus(errno, "reading the peer's uid");
  }
  // What the kernel gives for a socket that was never connected, or is not a unix one.
  if (credentials.uid == static_cast<uid_t>(-1)) {
    return absl::FailedPreconditionError("the socket has no peer with a uid");
  }
  return credentials.uid;
}

absl::StatusOr<uid_t> ReadOverflowUid() {
  std::ifstream file(kOverflowUidFile);
  std::string line;
  uint32_t uid = 0;
  if (!std::getline(file, line) || !absl::SimpleAtoi(line, &uid)) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read ", kOverflowUidFile, ": is /proc mounted?"));
  }
  return uid;
}

absl::StatusOr<PeerPolicy> ReadPeerPolicy(std::vector<uid_t> allowed_uids) {
  CLOISTER_ASSIGN_OR_RETURN(const uid_t overflow_uid, ReadOverflowUid());
  return PeerPolicy{geteuid(), overflow_uid, std::move(allowed_uids)};
}

absl::StatusOr<Principal> AdmitPeer(uid_t uid, const PeerPolicy& policy) {
  const bool ambiguous = uid == policy.overflow_uid || uid == kNobody;
  if (!ambiguous && (uid == 0 || uid == policy.own_uid)) return Principal::LocalOwner(uid);
  const auto& allowed = policy.allowed_uids;
  if (std::find(allowed.begin(), allowed.end(), uid) != allowed.end()) {
    return Principal::LocalUser(uid);
  }
  return WithReason(absl::PermissionDeniedError(absl::StrCat(
                        "uid ", uid, " may not use this socket",
                        ambiguous ? ": it stands for every user that has no uid here" : "")),
                    "PEER_UID_NOT_ALLOWED", {{"uid", absl::StrCat(uid)}});
}

}  // namespace cloister::rpc
