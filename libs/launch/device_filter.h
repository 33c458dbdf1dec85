// Loads a device program (device_program.h) and attaches it to a cgroup of the v2 hierarchy, with
// or without controllers: bpf(2), BPF_CGROUP_DEVICE.
#ifndef CLOISTER_LIBS_LAUNCH_DEVICE_FILTER_H_
#define CLOISTER_LIBS_LAUNCH_DEVICE_FILTER_H_

#include <string>

#include "absl/status/status.h"
#include "cloister/internal/plan.pb.h"

namespace cloister {
namespace launch {

// To the v2 directory of slot `name`; empty: to that in which all slots are, so that each has it
// that has none of its own. In place of what was attached there. FAILED_PRECONDITION without a v2
// hierarchy.
absl::Status AttachDeviceFilter(const internal::CgroupPlan& cgroup, const std::string& name,
                                const internal::DevicePlan& devices);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_DEVICE_FILTER_H_
