#include "libs/rpc/authorizer.h"

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/string_ref.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/call_principal.h"
#include "libs/rpc/method_table.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {
namespace {

std::vector<absl::string_view> ForwardedPrincipals(const grpc::ServerContextBase& context) {
  std::vector<absl::string_view> values;
  const auto& metadata = context.client_metadata();
  const auto range =
      metadata.equal_range(grpc::string_ref(kPrincipalMetadata.data(), kPrincipalMetadata.size()));
  for (auto it = range.first; it != range.second; ++it) {
    values.emplace_back(it->second.data(), it->second.size());
  }
  return values;
}

absl::Status Denied(absl::string_view reason, const std::string& message,
                    const ReasonMetadata& metadata) {
  return WithReason(absl::PermissionDeniedError(message), reason, metadata);
}

}  // namespace

Authorizer::Authorizer(MethodTable methods, PeerPolicy peers, bool dev_mode)
    : forwarders_(methods.forwarders), peers_(std::move(peers)), dev_mode_(dev_mode) {
  for (MethodRule& rule : methods.rules) {
    std::string method = rule.method;
    rules_.emplace(std::move(method), std::move(rule));
  }
}

absl::StatusOr<Authorizer> Authorizer::Create(MethodTable methods, std::vector<uid_t> allowed_uids,
                                              bool dev_mode) {
  CLOISTER_ASSIGN_OR_RETURN(PeerPolicy peers, ReadPeerPolicy(std::move(allowed_uids)));
  return Authorizer(std::move(methods), std::move(peers), dev_mode);
}

absl::Status Authorizer::Authorize(absl::string_view method,
                                   const grpc::ServerContextBase& context) const {
  CLOISTER_ASSIGN_OR_RETURN(const CallIdentity identity, Identify(context));
  return Decide(method, identity);
}

absl::StatusOr<CallIdentity> Authorizer::Identify(const grpc::ServerContextBase& context) const {
  CLOISTER_ASSIGN_OR_RETURN(const Principal caller, CallPrincipal(context, peers_, dev_mode_));
  return Believe(caller, ForwardedPrincipals(context));
}

absl::StatusOr<CallIdentity> Authorizer::Believe(
    const Principal& caller, const std::vector<absl::string_view>& forwarded) const {
  if (forwarded.empty()) return CallIdentity{caller, caller};
  // Refused and not ignored: whoever sends it thinks that it counts.
  if (!forwarders_.Contains(caller.role())) {
    return Denied("PRINCIPAL_NOT_BELIEVED",
                  absl::StrCat(caller.ToString(), " may not call for others (metadata ",
                               kPrincipalMetadata, ")"),
                  {{"caller", caller.ToString()}});
  }
  const absl::StatusOr<Principal> principal = Principal::Parse(forwarded[0]);
  if (forwarded.size() > 1 || !principal.ok()) {
    const std::string why = forwarded.size() > 1
                                ? absl::StrCat("it is there ", forwarded.size(), " times")
                                : std::string(principal.status().message());
    return Denied("PRINCIPAL_INVALID", absl::StrCat("metadata ", kPrincipalMetadata, ": ", why),
                  {{"caller", caller.ToString()}});
  }
  return CallIdentity{caller, *principal};
}

absl::Status Authorizer::Decide(absl::string_view method, const CallIdentity& identity) const {
  const ReasonMetadata metadata = {{"method", std::string(method)},
                                   {"caller", identity.caller.ToString()},
                                   {"principal", identity.principal.ToString()}};
  const auto rule = rules_.find(method);
  if (rule == rules_.end()) {
    return Denied("METHOD_NOT_LISTED", absl::StrCat("nobody may call ", method), metadata);
  }
  if (!rule->second.callers.Contains(identity.caller.role())) {
    return Denied("ROLE_NOT_ALLOWED",
                  absl::StrCat(identity.caller.ToString(), " may not call ", method), metadata);
  }
  if (identity.caller == identity.principal) return absl::OkStatus();
  if (!rule->second.on_behalf_of.Contains(identity.principal.role())) {
    return Denied("ROLE_NOT_ALLOWED",
                  absl::StrCat(identity.caller.ToString(), " may not call ", method, " for ",
                               identity.principal.ToString()),
                  metadata);
  }
  return absl::OkStatus();
}

absl::Status CheckNodeName(const Principal& caller, absl::string_view node_id) {
  if (caller.role() != Role::kNode || caller.name() == node_id) return absl::OkStatus();
  return Denied("NODE_NAME_MISMATCH",
                absl::StrCat("the certificate of ", caller.ToString(),
                             " does not speak for the node '", node_id, "'"),
                {{"caller", caller.ToString()}, {"node_id", std::string(node_id)}});
}

void ForwardPrincipal(const Principal& principal, grpc::ClientContext* context) {
  context->AddMetadata(std::string(kPrincipalMetadata), principal.ToString());
}

}  // namespace cloister::rpc
