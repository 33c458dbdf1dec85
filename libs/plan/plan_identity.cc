#include "libs/plan/plan_identity.h"

#include <algorithm>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error_reason.h"

namespace cloister::plan {
namespace {

absl::Status NotAllowed(absl::string_view sentence) {
  return WithReason(absl::PermissionDeniedError(sentence), "USER_NOT_ALLOWED");
}

}  // namespace

absl::StatusOr<internal::Identity> PlanIdentity(const task::UserField& asked,
                                                const task::ResolvedUser& user,
                                                const node::NodePolicy& policy) {
  const auto& denied = policy.denied_uids;
  if (std::find(denied.begin(), denied.end(), user.uid) != denied.end()) {
    return NotAllowed(absl::StrCat("running as user '", user.name, "' (uid ", user.uid,
                                   ") is not allowed on this node"));
  }
  // Names are the operator's to give out, with whatever groups; numbers are the caller's own
  // choice, and group shadow's would open /etc/shadow.
  const bool chosen = asked.kind == task::UserField::Kind::kUidGid && !user.gid_from_passwd;
  if (chosen && user.gid < policy.min_chosen_gid) {
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
