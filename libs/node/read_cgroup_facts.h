// Reads the node's cgroup hierarchies into CgroupFacts. Sources: cgroups(7), proc(5).
#ifndef CLOISTER_LIBS_NODE_READ_CGROUP_FACTS_H_
#define CLOISTER_LIBS_NODE_READ_CGROUP_FACTS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/node/cgroup_facts.h"
#include "libs/node/host_root.h"

namespace cloister::node {

// The hierarchies that the texts of /proc/self/mountinfo and /proc/self/cgroup tell of, without
// what only their files tell: the controllers of v2, swap_limit, and whether access(2) agrees with
// `writable`. Pure.
absl::StatusOr<CgroupFacts> ParseCgroupFacts(absl::string_view mountinfo, absl::string_view cgroup);

// The layout that these hierarchies make. Pure.
CgroupLayout LayoutOf(const std::vector<CgroupHierarchy>& hierarchies);

absl::StatusOr<CgroupFacts> ReadCgroupFacts(const HostRoot& root);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_READ_CGROUP_FACTS_H_
