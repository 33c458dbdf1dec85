// The directories in which slots are made, one per hierarchy, held open: whoever holds them can
// make, read and remove slots from any mount namespace, also from one in which no cgroup is
// mounted.
#ifndef CLOISTER_LIBS_CGROUP_SLOT_PARENTS_H_
#define CLOISTER_LIBS_CGROUP_SLOT_PARENTS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/cgroup/control_file.h"

namespace cloister::cgroup {

struct SlotParent {
  // e.g. "/sys/fs/cgroup/memory" and "cloister.slice/share".
  std::string mount_point;
  std::string path;
  // "<mount_point>/<path>", for errors.
  std::string shown;
  bool unified = false;
  // Which counters are read here at the end.
  bool memory = false;
  bool cpu_time = false;
  // v1: forks can be stopped here.
  bool pids = false;
  // The control files that limits go to.
  std::vector<std::string> limit_files;
  // O_PATH.
  OwnedFd directory;

  // A control file of slot `name`.
  ControlFile File(const std::string& name, absl::string_view file) const;
};

// Never changes once opened: shared by the slots and by threads.
using SlotParents = std::vector<SlotParent>;

// Opens `<mount_point>/<parent>` of each hierarchy, in order. The directories must be there
// (parent.h makes them): NOT_FOUND otherwise. INVALID_ARGUMENT for a parent that CheckParent
// refuses.
absl::StatusOr<std::shared_ptr<const SlotParents>> OpenSlotParents(
    const internal::CgroupPlan& placement);

// True if `plan` puts tasks into just these directories, whatever its limits are.
bool SamePlacement(const SlotParents& parents, const internal::CgroupPlan& plan);

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_SLOT_PARENTS_H_
