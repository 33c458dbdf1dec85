// Who a task runs as, where the node lets it.
#ifndef CLOISTER_LIBS_PLAN_PLAN_IDENTITY_H_
#define CLOISTER_LIBS_PLAN_PLAN_IDENTITY_H_

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_policy.h"
#include "libs/task/resolved_user.h"
#include "libs/task/user_field.h"

namespace cloister::plan {

// `user` is what the node's user database says of `asked`. PERMISSION_DENIED, reason
// USER_NOT_ALLOWED, for a uid that the node denies, under whatever name, and for a chosen group of
// the system; not for uid 0 where the task has ids of its own.
absl::StatusOr<internal::Identity> PlanIdentity(const task::UserField& asked,
                                                const task::ResolvedUser& user, bool own_ids,
                                                const node::NodePolicy& policy);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_IDENTITY_H_
