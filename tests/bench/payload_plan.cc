#include "tests/bench/payload_plan.h"

#include "libs/base/status_macros.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/node/read_node_facts.h"
#include "libs/node/user_lookup.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/task/parse_task_spec.h"

namespace cloister::bench {

v1::TaskConfig PayloadConfig() {
  v1::TaskConfig config;
  config.mutable_config()->set_command("/bin/true");
  return config;
}

absl::StatusOr<internal::LaunchPlan> MakePayloadPlan(const std::string& cgroup_parent) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.cgroup_parent = cgroup_parent;
  CLOISTER_ASSIGN_OR_RETURN(const node::NodeFacts facts, node::ReadNodeFacts("/", policy));
  CLOISTER_ASSIGN_OR_RETURN(const task::TaskSpec spec, task::ParseTaskSpec(PayloadConfig()));
  CLOISTER_ASSIGN_OR_RETURN(const task::ResolvedUser user, node::LookUpUser(spec.user()));
  return plan::MakeLaunchPlan(spec, user, facts, policy);
}

}  // namespace cloister::bench
