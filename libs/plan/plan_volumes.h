// The volumes of a task: directories of the node, by the names that its policy gives them, at the
// places that the task asks for.
#ifndef CLOISTER_LIBS_PLAN_PLAN_VOLUMES_H_
#define CLOISTER_LIBS_PLAN_PLAN_VOLUMES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// The mounts, in the order of the task; `root` gets the mount points that are not beneath a
// directory of the task's own.
//
//   INVALID_ARGUMENT     with every violation of volume_mounts[]: a volume that the node does not
//                        have, a place where nothing can be mounted; or a policy that would show
//                        directories of ours
//   PERMISSION_DENIED    PROPAGATION_NOT_ALLOWED
//   FAILED_PRECONDITION  HOST_VOLUME_UNAVAILABLE: its directory was not there when the executor
//                        started, or a link leads it out of allowed_mount_sources
absl::StatusOr<std::vector<internal::Mount>> PlanVolumes(const task::TaskSpec& spec,
                                                         const node::NodeFacts& facts,
                                                         const node::NodePolicy& policy,
                                                         internal::RootTemplate* root);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_VOLUMES_H_
