// FakePlanner: plans for FakeLauncher. The command of a config becomes the one candidate of the
// plan, its args and environment go along; an empty command and a work_dir that is not absolute are
// violations.
#ifndef CLOISTER_LIBS_ENGINE_TESTING_FAKE_PLANNER_H_
#define CLOISTER_LIBS_ENGINE_TESTING_FAKE_PLANNER_H_

#include <string>

#include "libs/engine/task_planner.h"

namespace cloister::engine {

class FakePlanner : public TaskPlanner {
 public:
  absl::StatusOr<PlannedTask> Plan(const v1::TaskConfig& config,
                                   const std::string& task_id) const override;
  absl::StatusOr<Explanation> Explain(const v1::TaskConfig& config) const override;
  // uid 65534.
  v1::Fence Fence(const internal::LaunchPlan& plan) const override;
  // "EXEC '/fail': errno 2"
  std::string Describe(const internal::LaunchPlan& plan,
                       const internal::LaunchFailure& failure) const override;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TESTING_FAKE_PLANNER_H_
