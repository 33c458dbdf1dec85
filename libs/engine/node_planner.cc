#include "libs/engine/node_planner.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/plan/describe_failure.h"
#include "libs/plan/explain_plan.h"
#include "libs/plan/fence.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/task/constraint.h"
#include "libs/task/environment.h"
#include "libs/task/interpolation.h"
#include "libs/task/references.h"

namespace cloister::engine {
namespace {

// What stands for the id of a task that is only explained.
constexpr char kNoTaskYet[] = "TASK-ID";

std::string Attribute(const std::string& name, const node::NodeFacts& facts) {
  const auto found = facts.attributes.find(name);
  return found == facts.attributes.end() ? "" : found->second;
}

// In the form of ExplainPlan's lines. Values of the node only: what else there is may be secret.
std::string ExplainReferences(const v1::TaskConfig& config, const node::NodeFacts& facts) {
  std::string text;
  for (const std::string& name : task::ReferencedNames(config)) {
    const auto found = facts.attributes.find(name);
    const std::string value =
        found == facts.attributes.end()
            ? "a variable of the task (value not shown)"
            : absl::StrCat("'", absl::CHexEscape(found->second), "' (an attribute of the node)");
    absl::StrAppend(&text, "reference     ${", absl::CHexEscape(name), "} is ", value, "\n");
  }
  if (!config.constraints().empty()) {
    absl::StrAppend(&text, "constraints   ", config.constraints_size(), ", met by this node\n");
  }
  return text;
}

}  // namespace

NodePlanner::NodePlanner(node::NodeFacts facts, node::NodePolicy policy, LookUpUser look_up_user)
    : facts_(std::move(facts)),
      policy_(std::move(policy)),
      look_up_user_(std::move(look_up_user)) {}

absl::StatusOr<task::TaskSpec> NodePlanner::Specify(const v1::TaskConfig& config,
                                                    const std::string& task_id) const {
  task::TaskPlace place;
  place.task_id = task_id;
  place.datacenter = Attribute("node.datacenter", facts_);
  place.region = Attribute("node.region", facts_);
  if (policy_.limit_by_cgroups) place.cgroup_parent = policy_.cgroup_parent;
  task::Interpolated interpolated =
      task::Interpolate(config, facts_.attributes, task::BuiltInVariables(config, place));
  absl::Status unmet;
  if (!config.constraints().empty()) {
    const auto& env = interpolated.config.env();
    const task::Names environment(env.begin(), env.end());
    task::ConstraintsJudged judged = task::JudgeConstraints(
        config.constraints(), task::NameTable(&facts_.attributes, &environment));
    interpolated.violations.insert(interpolated.violations.end(), judged.violations.begin(),
                                   judged.violations.end());
    unmet = std::move(judged.unmet);
  }
  // A wrong request is that everywhere, which is worth more than that it does not fit here.
  CLOISTER_ASSIGN_OR_RETURN(task::TaskSpec spec, task::ParseInterpolated(interpolated));
  CLOISTER_RETURN_IF_ERROR(unmet);
  return spec;
}

absl::StatusOr<task::ResolvedUser> NodePlanner::UserOf(const task::UserField& field) const {
  const node::UserNamespace& space = facts_.user_namespace;
  if (!field.is_default || space.kind != node::UserNamespace::Kind::kOneId) {
    return look_up_user_(field);
  }
  // The one user that there is.
  task::ResolvedUser user;
  user.name = space.user_name;
  user.uid = space.uid;
  user.gid = space.gid;
  user.home = space.home;
  user.gid_from_passwd = true;
  return user;
}

absl::StatusOr<PlannedTask> NodePlanner::PlanSpec(const task::TaskSpec& spec) const {
  CLOISTER_ASSIGN_OR_RETURN(const task::ResolvedUser user, UserOf(spec.user()));
  PlannedTask planned;
  CLOISTER_ASSIGN_OR_RETURN(planned.plan, plan::MakeLaunchPlan(spec, user, facts_, policy_));
  planned.memory_mib = static_cast<int64_t>(spec.memory_bytes() >> 20);
  return planned;
}

absl::StatusOr<PlannedTask> NodePlanner::Plan(const v1::TaskConfig& config,
                                              const std::string& task_id) const {
  CLOISTER_ASSIGN_OR_RETURN(const task::TaskSpec spec, Specify(config, task_id));
  return PlanSpec(spec);
}

absl::StatusOr<Explanation> NodePlanner::Explain(const v1::TaskConfig& config) const {
  CLOISTER_ASSIGN_OR_RETURN(const task::TaskSpec spec, Specify(config, kNoTaskYet));
  CLOISTER_ASSIGN_OR_RETURN(const PlannedTask planned, PlanSpec(spec));
  return Explanation{absl::StrCat(plan::ExplainPlan(spec, facts_, policy_, planned.plan),
                                  ExplainReferences(config, facts_)),
                     plan::RedactedPlanText(planned.plan), plan::MakeFence(planned.plan)};
}

v1::Fence NodePlanner::Fence(const internal::LaunchPlan& plan) const {
  return plan::MakeFence(plan);
}

std::string NodePlanner::Describe(const internal::LaunchPlan& plan,
                                  const internal::LaunchFailure& failure) const {
  return plan::DescribeLaunchFailure(plan, failure);
}

}  // namespace cloister::engine
