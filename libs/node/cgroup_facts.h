// CgroupFacts: which control group hierarchies this node has, read once at start-up.
//
// Pure data, without I/O: libs/cgroup places tasks by it, tests make it up. ReadCgroupFacts fills
// it from /proc/self/mountinfo and /proc/self/cgroup. Sources: cgroups(7),
// Documentation/admin-guide/cgroup-v2.rst.
#ifndef CLOISTER_LIBS_NODE_CGROUP_FACTS_H_
#define CLOISTER_LIBS_NODE_CGROUP_FACTS_H_

#include <string>
#include <vector>

namespace cloister::node {

// Which of the controllers that fence a task (cpu, memory, pids) are found where.
enum class CgroupLayout {
  kNone,    // None is mounted anywhere.
  kV1,      // In v1 hierarchies, and no v2 hierarchy is mounted.
  kV2,      // In the v2 hierarchy alone.
  kHybrid,  // Some in v1 hierarchies, and a v2 hierarchy is mounted as well, with or without
            // controllers.
};

struct CgroupHierarchy {
  // Where it is mounted, as seen by this process, e.g. "/sys/fs/cgroup/memory". No trailing '/'.
  std::string mount_point;
  // v2. At most one hierarchy of a node is.
  bool unified = false;
  // v1: what is mounted here, e.g. {"cpu", "cpuacct"}. v2: cgroup.controllers at the mount point.
  // Sorted.
  std::vector<std::string> controllers;
  // Neither the mount nor its file system is read-only, and access(2) lets this process make
  // directories there.
  bool writable = false;
  // The cgroup of this process, beneath the mount point, without leading '/'; empty: the one at the
  // mount point.
  std::string own_path;
};

struct CgroupFacts {
  CgroupLayout layout = CgroupLayout::kNone;
  // Sorted by mount point. v1 hierarchies without a controller (name=systemd) are left out.
  std::vector<CgroupHierarchy> hierarchies;
  // Swap can be limited: v1 has memory.memsw.limit_in_bytes, v2 runs on a kernel with swap support.
  bool swap_limit = false;
};

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_CGROUP_FACTS_H_
