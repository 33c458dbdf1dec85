#include "services/executor/delegated_cgroup.h"

#include <unistd.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/parent.h"

namespace cloister::executor {

absl::StatusOr<std::string> UseDelegatedCgroup(node::CgroupFacts* facts) {
  node::CgroupFacts usable = *facts;
  auto& hierarchies = usable.hierarchies;
  const auto unified = std::find_if(hierarchies.begin(), hierarchies.end(),
                                    [](const node::CgroupHierarchy& one) { return one.unified; });
  if (usable.layout != node::CgroupLayout::kV2 || unified == hierarchies.end()) {
    return absl::FailedPreconditionError("without root it takes cgroup v2 with all controllers");
  }
  const std::string place = unified->own_path;
  const std::string path = absl::StrCat(unified->mount_point, "/", place);
  // The kernel asks for these, of the cgroup above those that a process is moved between.
  const bool ours = !place.empty() && access(path.c_str(), W_OK) == 0 &&
                    access(absl::StrCat(path, "/cgroup.procs").c_str(), W_OK) == 0 &&
                    access(absl::StrCat(path, "/cgroup.subtree_control").c_str(), W_OK) == 0;
  if (!ours) {
    return absl::FailedPreconditionError(
        absl::StrCat("its cgroup '/", place, "' is not the user's (systemd: Delegate=yes)"));
  }
  unified->writable = true;
  CLOISTER_RETURN_IF_ERROR(cgroup::MakeParent(usable, place));
  *facts = std::move(usable);
  return place;
}

}  // namespace cloister::executor
