// /proc/self/mountinfo as values (proc(5)).
#ifndef CLOISTER_LIBS_NODE_MOUNTINFO_H_
#define CLOISTER_LIBS_NODE_MOUNTINFO_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::node {

struct MountEntry {
  int id = 0;
  int parent = 0;
  // The directory of the file system that is mounted, "/" unless it is a bind mount of part of it.
  std::string root;
  std::string mount_point;
  std::string type;
  // Of the file system: "rw,memory" for a cgroup v1 hierarchy.
  std::vector<std::string> super_options;
  // The mount or the file system is read-only.
  bool read_only = false;
};

// All mounts, in the order of the text; escapes in paths are taken back. INVALID_ARGUMENT names the
// line that is none.
absl::StatusOr<std::vector<MountEntry>> ParseMountInfo(absl::string_view text);

// Without the mounts that a path cannot reach because another one lies over them.
std::vector<MountEntry> ReachableMounts(const std::vector<MountEntry>& mounts);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_MOUNTINFO_H_
