// The resource limits of a task's processes (getrlimit(2)): every one is set, so that none is the
// node's by accident.
#ifndef CLOISTER_LIBS_PLAN_PLAN_RLIMITS_H_
#define CLOISTER_LIBS_PLAN_PLAN_RLIMITS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// One for each limit that Linux has, in the order of their numbers: what is asked for, else the
// default. None is above the node's own hard limit: without CAP_SYS_RESOURCE it could not be set.
// Open files are shared by the processes that `cgroup` allows (open_file_share.h).
// INVALID_ARGUMENT with violations of config.rlimits[] for what is over that or the policy's
// ceiling.
absl::StatusOr<std::vector<internal::Rlimit>> PlanRlimits(const std::vector<task::Rlimit>& asked,
                                                          const node::NodeFacts& facts,
                                                          const node::NodePolicy& policy,
                                                          const internal::CgroupPlan& cgroup);

// "NOFILE" for RLIMIT_NOFILE; the number as text for one that has no name here.
std::string RlimitName(uint32_t resource);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_RLIMITS_H_
