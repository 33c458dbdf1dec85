// What of /proc and /sys a task may not read or not write, as far as the node has it.
#ifndef CLOISTER_LIBS_PLAN_PLAN_MASKS_H_
#define CLOISTER_LIBS_PLAN_PLAN_MASKS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"

namespace cloister::plan {

struct MaskPlan {
  // Over the task's own /proc, after its mounts: first what becomes read-only, then what is hidden.
  std::vector<internal::Mask> proc;
  // Over /sys of the shared root, which is read-only as a whole.
  std::vector<std::string> hidden_sys_directories;
  // Of the policy's paths, those that the node does not have.
  std::vector<std::string> missing;
};

// Without `hide` nothing is hidden; what is read-only stays so, as root could otherwise change the
// node by it.
//
// INVALID_ARGUMENT for a path of the policy's that cannot be masked: outside of /proc and /sys, or
// a file of /sys. INTERNAL if the facts were read for another policy.
absl::StatusOr<MaskPlan> PlanMasks(const node::NodeFacts& facts, const node::NodePolicy& policy,
                                   bool hide);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_MASKS_H_
