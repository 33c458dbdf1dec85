#include "libs/rpc/call_principal.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/string_ref.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {
namespace {

std::vector<absl::string_view> Property(const grpc::AuthContext& context, const char* name) {
  std::vector<absl::string_view> values;
  for (const grpc::string_ref& value : context.FindPropertyValues(name)) {
    values.emplace_back(value.data(), value.size());
  }
  return values;
}

bool IsTls(const grpc::AuthContext& context) {
  const auto types = Property(context, GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME);
  return types.size() == 1 && types[0] == GRPC_TLS_TRANSPORT_SECURITY_TYPE;
}

absl::StatusOr<Principal> UnixPrincipal(absl::string_view descriptor, const PeerPolicy& peers) {
  int fd = -1;
  if (!absl::SimpleAtoi(descriptor, &fd)) {
    return absl::InternalError("a unix connection without descriptor");
  }
  CLOISTER_ASSIGN_OR_RETURN(const uid_t uid, ReadPeerUid(fd));
  return AdmitPeer(uid, peers);
}

}  // namespace

absl::StatusOr<Principal> CallPrincipal(const grpc::ServerContextBase& context,
                                        const PeerPolicy& peers, bool dev_mode) {
  const std::string peer = context.peer();
  absl::string_view rest = peer;
  // How gRPC names a connection that it was given as a descriptor.
  if (absl::ConsumePrefix(&rest, "fd:")) return UnixPrincipal(rest, peers);
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth != nullptr && IsTls(*auth)) {
    return Principal::FromUriNames(Property(*auth, GRPC_PEER_URI_PROPERTY_NAME));
  }
  // Listened for on loopback only: listen_address.h.
  const bool is_tcp = absl::StartsWith(peer, "ipv4:") || absl::StartsWith(peer, "ipv6:");
  if (dev_mode && is_tcp) return Principal::Dev();
  return WithReason(absl::UnauthenticatedError("the connection does not show who is calling"),
                    "NOT_AUTHENTICATED");
}

}  // namespace cloister::rpc
