// What is fetched for a task, and where there is room for it.
#ifndef CLOISTER_LIBS_PLAN_PLAN_ARTIFACTS_H_
#define CLOISTER_LIBS_PLAN_PLAN_ARTIFACTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_policy.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

struct ArtifactParts {
  // In the order of the task.
  std::vector<internal::ArtifactPlan> artifacts;
  // The directories that they lie in, where that is none which every task has: root's, and
  // read-only but for what the task is to own.
  std::vector<internal::Mount> mounts;
};

// `root` gets the mount points of `mounts`. INVALID_ARGUMENT with every violation of artifacts[]:
// a place where nothing can be mounted; PERMISSION_DENIED ARTIFACT_SOURCE_NOT_ALLOWED for what this
// node fetches from nowhere.
absl::StatusOr<ArtifactParts> PlanArtifacts(const task::TaskSpec& spec,
                                            const node::NodePolicy& policy,
                                            internal::RootTemplate* root);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_ARTIFACTS_H_
