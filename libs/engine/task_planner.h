// TaskPlanner: from what was asked to what the launcher will do. The engine's view of libs/task,
// libs/node and libs/plan.
#ifndef CLOISTER_LIBS_ENGINE_TASK_PLANNER_H_
#define CLOISTER_LIBS_ENGINE_TASK_PLANNER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cloister/internal/launcher.pb.h"
#include "cloister/internal/plan.pb.h"
#include "cloister/v1/task.pb.h"

namespace cloister::engine {

struct PlannedTask {
  internal::LaunchPlan plan;
  // What it holds of the node's memory while it is live.
  int64_t memory_mib = 0;
};

struct Explanation {
  // In words.
  std::string text;
  // The plan as text proto, environment values redacted.
  std::string plan;
  v1::Fence fence;
};

// Implementations are thread-safe and start no side effect.
class TaskPlanner {
 public:
  virtual ~TaskPlanner() = default;

  // INVALID_ARGUMENT with every violation at once; PERMISSION_DENIED for what this node does not
  // permit; and so on. The task finds its id in its environment, and may refer to it.
  virtual absl::StatusOr<PlannedTask> Plan(const v1::TaskConfig& config,
                                           const std::string& task_id) const = 0;
  virtual absl::StatusOr<Explanation> Explain(const v1::TaskConfig& config) const = 0;

  // What such a plan fences a task by.
  virtual v1::Fence Fence(const internal::LaunchPlan& plan) const = 0;
  // A failed launch in a sentence: step, object, reason.
  virtual std::string Describe(const internal::LaunchPlan& plan,
                               const internal::LaunchFailure& failure) const = 0;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TASK_PLANNER_H_
