// What is different on a node whose executor runs without root, in a user namespace of its own
// (node::UserNamespace): what cannot be had there is refused where it was asked for, and told where
// it would be the default.
#ifndef CLOISTER_LIBS_PLAN_PLAN_WITHOUT_ROOT_H_
#define CLOISTER_LIBS_PLAN_PLAN_WITHOUT_ROOT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/task/resolved_user.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// OK on a node of root's. Each with a sentence:
//
//   PERMISSION_DENIED    USER_NOT_MAPPED: a user or group that the namespace does not have (no
//                        matter of a task with ids of its own)
//   FAILED_PRECONDITION  NEEDS_ROOT: a capability over what belongs to the node, pid_mode "host",
//                        propagation_mode "bidirectional", devices, an oom_score_adj below the
//                        executor's; CGROUPS_UNAVAILABLE: a limit, where
//                        there is no cgroup for it
absl::Status CheckWithoutRoot(const task::TaskSpec& spec, const task::ResolvedUser& user,
                              bool own_ids, const node::NodeFacts& facts);

// Turns a plan of what CheckWithoutRoot let through into one for that namespace. Does nothing on a
// node of root's.
void AdaptToUserNamespace(const node::NodeFacts& facts, internal::LaunchPlan* plan);

// What every task of the node lacks, as in LaunchPlan.unavailable.
std::vector<std::string> UnavailableWithoutRoot(const node::NodeFacts& facts);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_WITHOUT_ROOT_H_
