// The `mounts` of a task: directories of the node that its policy lets tasks bind, and memory.
#ifndef CLOISTER_LIBS_PLAN_PLAN_TASK_MOUNTS_H_
#define CLOISTER_LIBS_PLAN_PLAN_TASK_MOUNTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_policy.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// Those that are new, in the order of the task; `root` gets the mount points that are not beneath a
// directory of the task's own. (What is "own" changes one of PlanMounts.) What is at a source is
// not looked at: the launcher opens it, without following a link, and holds what it has opened
// against Mount.forbidden.
//
//   INVALID_ARGUMENT   with every violation of config.mounts[]: a place where nothing can be
//   mounted PERMISSION_DENIED  MOUNT_SOURCE_NOT_ALLOWED: beneath none of allowed_mount_sources, or
//   at
//                      directories of ours
absl::StatusOr<std::vector<internal::Mount>> PlanTaskMounts(const task::TaskSpec& spec,
                                                            const node::NodePolicy& policy,
                                                            internal::RootTemplate* root);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_TASK_MOUNTS_H_
