#include "libs/plan/plan_identity.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_macros.h"

namespace cloister::plan {
namespace {

absl::Status NotAllowed(absl::string_view sentence) {
  return WithReason(absl::PermissionDeniedError(sentence), "USER_NOT_ALLOWED");
}

bool IsIn(uint32_t id, const std::vector<node::IdRange>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [id](const node::IdRange& range) {
    return range.first <= id && id <= range.last;
  });
}

absl::Status CheckDenied(const task::ResolvedUser& user, bool own_ids,
                         const node::NodePolicy& policy) {
  const auto& denied = policy.denied_uids;
  // Root of ids of its own is nobody to the node.
  if (user.uid == 0 && own_ids) return absl::OkStatus();
  if ((user.uid == 0 && !policy.allow_uid_0) || IsIn(user.uid, policy.denied_host_uids) ||
      std::find(denied.begin(), denied.end(), user.uid) != denied.end()) {
    return NotAllowed(absl::StrCat("running as user '", user.name, "' (uid ", user.uid,
                                   ") is not allowed on this node"));
  }
  std::vector<uint32_t> gids = user.groups;
  gids.insert(gids.begin(), user.gid);
  for (uint32_t gid : gids) {
    if (!IsIn(gid, policy.denied_host_gids)) continue;
    return NotAllowed(absl::StrCat("running with gid ", gid, " (user '", user.name,
                                   "') is not allowed on this node"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<internal::Identity> PlanIdentity(const task::UserField& asked,
                                                const task::ResolvedUser& user, bool own_ids,
                                                const node::NodePolicy& policy) {
  CLOISTER_RETURN_IF_ERROR(CheckDenied(user, own_ids, policy));
  const auto& allowed = policy.allowed_users;
  if (!allowed.empty() &&
      std::find(allowed.begin(), allowed.end(), asked.ToString()) == allowed.end()) {
    return NotAllowed(absl::StrCat("running as user '", asked.ToString(),
                                   "' is not allowed on this node, which has a list of users"));
  }
  // Names are the operator's to give out, with whatever groups; numbers are the caller's own
  // choice, and group shadow's would open /etc/shadow.
  const bool chosen = asked.kind == task::UserField::Kind::kUidGid && !user.gid_from_passwd;
  if (chosen && user.gid < policy.min_chosen_gid && !(user.uid == 0 && own_ids)) {
    return NotAllowed(absl::StrCat("running with gid ", user.gid,
                                   " is not allowed on this node: a group below ",
                                   policy.min_chosen_gid, " must be that of the user in passwd"));
  }
  internal::Identity identity;
  identity.set_uid(user.uid);
  identity.set_gid(user.gid);
  std::set<uint32_t> groups(user.groups.begin(), user.groups.end());
  groups.erase(user.gid);
  for (uint32_t group : groups) identity.add_groups(group);
  identity.set_user_name(user.name);
  identity.set_home(user.home);
  return identity;
}

}  // namespace cloister::plan
