#include "services/frontend/join_policy.h"

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error_reason.h"
#include "libs/rpc/address.h"
#include "libs/rpc/authorizer.h"
#include "services/frontend/frontend_error.h"

namespace cloister::frontend {
namespace {

// As the executor checks its own flag: the id goes into logs, tokens and messages.
constexpr size_t kMaxNodeIdBytes = 64;
constexpr int kMaxAttributes = 1024;
constexpr size_t kMaxAttributeBytes = 64 << 10;

bool IsNodeId(const std::string& id) {
  return !id.empty() && id.size() <= kMaxNodeIdBytes &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
         });
}

// They are kept for as long as the node is listed, and sent to whoever asks.
absl::Status CheckAttributes(const v1::Node& node) {
  size_t bytes = 0;
  for (const auto& [name, value] : node.attributes()) bytes += name.size() + value.size();
  if (node.attributes_size() <= kMaxAttributes && bytes <= kMaxAttributeBytes) {
    return absl::OkStatus();
  }
  return BadField("register.node.attributes",
                  absl::StrCat("are ", node.attributes_size(), " of ", bytes, " bytes, at most ",
                               kMaxAttributes, " of ", kMaxAttributeBytes));
}

}  // namespace

absl::Status MayJoin(const rpc::Principal& caller, const v1::Node& node) {
  if (!IsNodeId(node.id())) {
    return BadField("register.node.id", absl::StrCat("must be 1 to ", kMaxNodeIdBytes,
                                                     " characters of A-Z a-z 0-9 . _ -"));
  }
  if (absl::Status named = rpc::CheckNodeName(caller, node.id()); !named.ok()) return named;
  if (absl::Status fit = CheckAttributes(node); !fit.ok()) return fit;
  const absl::StatusOr<rpc::Address> address = rpc::ParseAddress(node.address());
  if (!address.ok()) return BadField("register.node.address", address.status().message());
  if (caller.role() == rpc::Role::kNode && address->is_unix()) {
    return WithReason(
        absl::PermissionDeniedError(absl::StrCat(
            "node '", node.id(), "' joins with a certificate, so its executor must listen on TCP: ",
            node.address(), " is a socket of the frontend's machine")),
        "NODE_ADDRESS_NOT_ALLOWED", {{"node_id", node.id()}});
  }
  return absl::OkStatus();
}

}  // namespace cloister::frontend
