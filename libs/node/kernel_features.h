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

// OK, or FAILED_PRECONDITION that names every feature that does not work and why.
absl::Status CheckKernelFeatures(const std::vector<KernelFeature>& features);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_KERNEL_FEATURES_H_
