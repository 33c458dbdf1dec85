// MakeLaunchPlan: everything that will be done for a task, decided before anything is.
#ifndef CLOISTER_LIBS_PLAN_MAKE_LAUNCH_PLAN_H_
#define CLOISTER_LIBS_PLAN_MAKE_LAUNCH_PLAN_H_

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/resolved_user.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// Pure: the same input gives the same plan, byte for byte; no I/O, no clock, no privileges. `user`
// is what the node's user database says of spec.user(); `facts` were read for `policy`. Of what was
// asked for nothing is left out: what this node cannot do or does not allow is an error that says
// so.
//
//   INVALID_ARGUMENT     what this node does not have or is over a ceiling of it, every violation
//                        at once; or a policy that makes no root
//   PERMISSION_DENIED    USER_NOT_ALLOWED, CAPABILITY_NOT_ALLOWED, PID_MODE_NOT_ALLOWED,
//                        IPC_MODE_NOT_ALLOWED, PROPAGATION_NOT_ALLOWED
//   FAILED_PRECONDITION  CGROUPS_UNAVAILABLE, HOST_VOLUME_UNAVAILABLE
absl::StatusOr<internal::LaunchPlan> MakeLaunchPlan(const task::TaskSpec& spec,
                                                    const task::ResolvedUser& user,
                                                    const node::NodeFacts& facts,
                                                    const node::NodePolicy& policy);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_MAKE_LAUNCH_PLAN_H_
