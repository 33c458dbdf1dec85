// The capability sets of a task: what it asked for, against what this kernel knows and this node
// allows.
#ifndef CLOISTER_LIBS_PLAN_PLAN_CAPABILITIES_H_
#define CLOISTER_LIBS_PLAN_PLAN_CAPABILITIES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// For a task of user `uid`. INVALID_ARGUMENT for a capability in cap_add that this kernel does not
// have (in cap_drop it is dropped anyway); PERMISSION_DENIED, reason CAPABILITY_NOT_ALLOWED, for
// those that the node does not allow.
absl::StatusOr<internal::Capabilities> PlanCapabilities(const task::TaskSpec& spec, uint32_t uid,
                                                        const node::NodeFacts& facts,
                                                        const node::NodePolicy& policy);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_CAPABILITIES_H_
