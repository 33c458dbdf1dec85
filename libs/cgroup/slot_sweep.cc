#include "libs/cgroup/slot_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include <algorithm>

#include "absl/container/btree_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/child_cgroups.h"
#include "libs/cgroup/slot.h"

namespace cloister::cgroup {
namespace {

// "<prefix>-<number>" and nothing else: "l1" is not the prefix of "l1-2-7".
bool IsOf(absl::string_view prefix, absl::string_view name) {
  return absl::ConsumePrefix(&name, prefix) && absl::ConsumePrefix(&name, "-") && !name.empty() &&
         std::all_of(name.begin(), name.end(), absl::ascii_isdigit);
}

// A process that was killed is in its cgroup until the kernel is done with it.
absl::Status RemoveWhenFree(CgroupSlot& slot, absl::Time deadline) {
  while (true) {
    absl::Status status = slot.Remove();
    if (ErrnoOf(status) != EBUSY || absl::Now() >= deadline) return status;
    (void)poll(nullptr, 0, 1);
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListSlots(const SlotParents& parents) {
  absl::btree_set<std::string> names;
  for (const SlotParent& parent : parents) {
    CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> children,
                              ListChildCgroups(parent.directory.get(), parent.shown));
    names.insert(children.begin(), children.end());
  }
  return std::vector<std::string>(names.begin(), names.end());
}

absl::Status SweepSlots(const std::shared_ptr<const SlotParents>& parents, absl::string_view prefix,
                        absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListSlots(*parents));
  absl::Status status;
  for (const std::string& name : names) {
    if (!IsOf(prefix, name)) continue;
    CLOISTER_ASSIGN_OR_RETURN(CgroupSlot slot, CgroupSlot::Refer(parents, name));
    status.Update(slot.Kill(deadline - absl::Now()));
    status.Update(RemoveWhenFree(slot, deadline));
  }
  return status;
}

}  // namespace cloister::cgroup
