// Whether this kernel has the system calls that launching and supervising tasks needs.
#ifndef CLOISTER_LIBS_NODE_KERNEL_FEATURES_H_
#define CLOISTER_LIBS_NODE_KERNEL_FEATURES_H_

#include <vector>

#include "absl/status/status.h"
#include "libs/node/node_facts.h"

namespace cloister::node {

// Tries each one, with arguments that change nothing: a kernel that is too old, a seccomp filter
// and missing privileges all show by their error number.
std::vector<KernelFeature> TryKernelFeatures();

// Of one that is used where it is there.
bool TmpfsKnowsNoswap();

// BPF programs can say which devices a cgroup may open: one was loaded, and attached nowhere.
bool BpfFiltersDevices();

// Whether tasks' mounts have to be made by mount(2) alone: open_tree(2), move_mount(2) or
// mount_setattr(2) is not there.
bool LacksMountCalls(const std::vector<KernelFeature>& features);

// OK, or FAILED_PRECONDITION that names every feature that does not work and why. One that is not
// there at all (ENOSYS) is none of them if the launcher has a way without it that comes to the
// same: clone3, close_range and those of LacksMountCalls. There is none for openat2, as a path that
// a tenant can change cannot be followed safely by other means, nor for pidfd_open and
// pidfd_send_signal, as a pid may be a stranger's by now.
absl::Status CheckKernelFeatures(const std::vector<KernelFeature>& features);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_KERNEL_FEATURES_H_
