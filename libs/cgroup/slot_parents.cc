#include "libs/cgroup/slot_parents.h"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/placement.h"

namespace cloister::cgroup {
namespace {

bool Carries(const internal::CgroupPlan::Hierarchy& hierarchy, absl::string_view controller) {
  return std::any_of(hierarchy.controllers().begin(), hierarchy.controllers().end(),
                     [controller](const std::string& name) { return name == controller; });
}

}  // namespace

ControlFile SlotParent::File(const std::string& name, absl::string_view file) const {
  return {directory.get(), absl::StrCat(name, "/", file), shown};
}

absl::StatusOr<std::shared_ptr<const SlotParents>> OpenSlotParents(
    const internal::CgroupPlan& placement) {
  auto parents = std::make_shared<SlotParents>();
  for (const internal::CgroupPlan::Hierarchy& hierarchy : placement.hierarchies()) {
    CLOISTER_RETURN_IF_ERROR(CheckParent(hierarchy.parent()));
    SlotParent parent;
    parent.mount_point = hierarchy.mount_point();
    parent.path = hierarchy.parent();
    parent.shown = absl::StrCat(parent.mount_point, "/", parent.path);
    parent.unified = hierarchy.unified();
    parent.memory = Carries(hierarchy, "memory");
    parent.cpu_time = parent.unified || Carries(hierarchy, "cpuacct");
    parent.pids = !parent.unified && Carries(hierarchy, "pids");
    for (const internal::CgroupPlan::Write& limit : hierarchy.limits()) {
      parent.limit_files.push_back(limit.file());
    }
    parent.directory = OwnedFd(open(parent.shown.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent.directory.valid()) return ErrnoStatus(errno, parent.shown);
    parents->push_back(std::move(parent));
  }
  return parents;
}

bool SamePlacement(const SlotParents& parents, const internal::CgroupPlan& plan) {
  return std::equal(
      parents.begin(), parents.end(), plan.hierarchies().begin(), plan.hierarchies().end(),
      [](const SlotParent& parent, const internal::CgroupPlan::Hierarchy& hierarchy) {
        return parent.mount_point == hierarchy.mount_point() && parent.path == hierarchy.parent() &&
               parent.unified == hierarchy.unified();
      });
}

}  // namespace cloister::cgroup
