// The devices of a task, and what keeps it from all others.
#ifndef CLOISTER_LIBS_PLAN_PLAN_DEVICES_H_
#define CLOISTER_LIBS_PLAN_PLAN_DEVICES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// The filter of every task on a node that has one and for one with devices its rules; `root` gets
// the nodes. `cgroup` is the task's; it gets the rules where that is how the node filters: by the
// devices controller of v1, which is there only without a v2 hierarchy (libs/cgroup/placement.h).
//
//   PERMISSION_DENIED    DEVICE_NOT_ALLOWED: not in the policy's allowed_devices, or not this far
//   FAILED_PRECONDITION  DEVICE_UNAVAILABLE: not there when the executor started, or the node has
//                        nothing that holds a task to what it may do with a device
absl::StatusOr<internal::DevicePlan> PlanDevices(const std::vector<task::Device>& asked,
                                                 const node::NodeFacts& facts,
                                                 const node::NodePolicy& policy,
                                                 internal::CgroupPlan* cgroup,
                                                 internal::RootTemplate* root);

// "bpf", "v1" or "none".
std::string DeviceFilterWords(const internal::DevicePlan& devices);

// "/dev/fuse rw" of each device of the plan.
std::vector<std::string> DeviceWords(const internal::LaunchPlan& plan);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_DEVICES_H_
