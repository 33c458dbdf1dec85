#include "tests/bench/payload_plan.h"

#include <utility>

#include "libs/base/status_macros.h"
#include "libs/engine/node_planner.h"
#include "libs/engine/task_planner.h"
#include "libs/node/fingerprint.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/node/read_node_facts.h"
#include "libs/node/user_lookup.h"

namespace cloister::bench {

v1::TaskConfig PayloadConfig() {
  v1::TaskConfig config;
  config.mutable_config()->set_command("/bin/true");
  return config;
}

absl::StatusOr<internal::LaunchPlan> MakePayloadPlan(const std::string& cgroup_parent) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.cgroup_parent = cgroup_parent;
  CLOISTER_ASSIGN_OR_RETURN(node::NodeFacts facts, node::ReadNodeFacts("/", policy));
  facts.attributes.merge(node::NodeAttributes(policy.labels, "some-node"));
  const engine::NodePlanner planner(std::move(facts), policy, node::LookUpUser);
  CLOISTER_ASSIGN_OR_RETURN(engine::PlannedTask planned,
                            planner.Plan(PayloadConfig(), "some task"));
  return std::move(planned.plan);
}

}  // namespace cloister::bench
