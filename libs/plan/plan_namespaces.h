// Which namespaces a task has of its own.
#ifndef CLOISTER_LIBS_PLAN_PLAN_NAMESPACES_H_
#define CLOISTER_LIBS_PLAN_PLAN_NAMESPACES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_policy.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// CLONE_NEW* bits: mount, uts, cgroup; pid and ipc unless the mode, the task's or else the node's
// default, is "host".
//
//   PERMISSION_DENIED    PID_MODE_NOT_ALLOWED, IPC_MODE_NOT_ALLOWED; CAPABILITY_NOT_ALLOWED where
//                        one that the task holds would undo the fence: sys_ptrace with the node's
//                        processes, sys_chroot without pivot_root
//   FAILED_PRECONDITION  CGROUPS_UNAVAILABLE: with the node's pid namespace only a cgroup holds a
//                        task's processes together
absl::StatusOr<uint64_t> PlanNamespaces(const task::TaskSpec& spec,
                                        const internal::Capabilities& capabilities,
                                        const node::NodePolicy& policy);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_NAMESPACES_H_
