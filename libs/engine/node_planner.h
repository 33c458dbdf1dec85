// NodePlanner: plans for this node: checks what was asked, asks the node's user database, makes the
// plan.
#ifndef CLOISTER_LIBS_ENGINE_NODE_PLANNER_H_
#define CLOISTER_LIBS_ENGINE_NODE_PLANNER_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "libs/engine/task_planner.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/resolved_user.h"
#include "libs/task/task_spec.h"
#include "libs/task/user_field.h"

namespace cloister::engine {

class NodePlanner : public TaskPlanner {
 public:
  // As node::LookUpUser.
  using LookUpUser = std::function<absl::StatusOr<task::ResolvedUser>(const task::UserField&)>;

  NodePlanner(node::NodeFacts facts, node::NodePolicy policy, LookUpUser look_up_user);

  // References are replaced first (libs/task/interpolation.h), and a task whose constraints do not
  // hold here is refused: FAILED_PRECONDITION, CONSTRAINT_NOT_MET.
  absl::StatusOr<PlannedTask> Plan(const v1::TaskConfig& config,
                                   const std::string& task_id) const override;
  absl::StatusOr<Explanation> Explain(const v1::TaskConfig& config) const override;
  v1::Fence Fence(const internal::LaunchPlan& plan) const override;
  std::string Describe(const internal::LaunchPlan& plan,
                       const internal::LaunchFailure& failure) const override;

  const node::NodeFacts& facts() const { return facts_; }

 private:
  absl::StatusOr<task::TaskSpec> Specify(const v1::TaskConfig& config,
                                         const std::string& task_id) const;
  absl::StatusOr<task::ResolvedUser> UserOf(const task::UserField& field) const;
  absl::StatusOr<PlannedTask> PlanSpec(const task::TaskSpec& spec) const;

  const node::NodeFacts facts_;
  const node::NodePolicy policy_;
  const LookUpUser look_up_user_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_NODE_PLANNER_H_
