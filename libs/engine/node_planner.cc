#include "libs/engine/node_planner.h"

#include <utility>

#include "libs/base/status_macros.h"
#include "libs/plan/describe_failure.h"
#include "libs/plan/explain_plan.h"
#include "libs/plan/fence.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/task/parse_task_spec.h"

namespace cloister::engine {

NodePlanner::NodePlanner(node::NodeFacts facts, node::NodePolicy policy, LookUpUser look_up_user)
    : facts_(std::move(facts)),
      policy_(std::move(policy)),
      look_up_user_(std::move(look_up_user)) {}

absl::StatusOr<PlannedTask> NodePlanner::Plan(const v1::TaskConfig& config) const {
  CLOISTER_ASSIGN_OR_RETURN(const task::TaskSpec spec, task::ParseTaskSpec(config));
  CLOISTER_ASSIGN_OR_RETURN(const task::ResolvedUser user, look_up_user_(spec.user()));
  PlannedTask planned;
  CLOISTER_ASSIGN_OR_RETURN(planned.plan, plan::MakeLaunchPlan(spec, user, facts_, policy_));
  planned.memory_mib = static_cast<int64_t>(spec.memory_bytes() >> 20);
  return planned;
}

absl::StatusOr<Explanation> NodePlanner::Explain(const v1::TaskConfig& config) const {
  CLOISTER_ASSIGN_OR_RETURN(const PlannedTask planned, Plan(config));
  // It was parsed a moment ago.
  CLOISTER_ASSIGN_OR_RETURN(const task::TaskSpec spec, task::ParseTaskSpec(config));
  return Explanation{plan::ExplainPlan(spec, facts_, policy_, planned.plan),
                     plan::RedactedPlanText(planned.plan)};
}

v1::Fence NodePlanner::Fence(const internal::LaunchPlan& plan) const {
  return plan::MakeFence(plan);
}

std::string NodePlanner::Describe(const internal::LaunchPlan& plan,
                                  const internal::LaunchFailure& failure) const {
  return plan::DescribeLaunchFailure(plan, failure);
}

}  // namespace cloister::engine
