// The limits of a task, within the node's ceilings, and the cgroups that enforce them.
#ifndef CLOISTER_LIBS_PLAN_PLAN_CGROUP_H_
#define CLOISTER_LIBS_PLAN_PLAN_CGROUP_H_

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// Empty where the operator chose to run without limits. INVALID_ARGUMENT with violations for what
// is over a ceiling; FAILED_PRECONDITION, reason CGROUPS_UNAVAILABLE, where the node cannot limit:
// what was promised is never left out silently.
absl::StatusOr<internal::CgroupPlan> PlanCgroup(const task::TaskSpec& spec,
                                                const node::NodeFacts& facts,
                                                const node::NodePolicy& policy);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_CGROUP_H_
