// Slots that nobody holds any more: what a launcher leaves that was killed before it could remove
// them.
#ifndef CLOISTER_LIBS_CGROUP_SLOT_SWEEP_H_
#define CLOISTER_LIBS_CGROUP_SLOT_SWEEP_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/cgroup/slot_parents.h"

namespace cloister::cgroup {

// The names of all slots in these parents, sorted; one that is there in some hierarchies only is
// listed too.
absl::StatusOr<std::vector<std::string>> ListSlots(const SlotParents& parents);

// Kills and removes every slot called "<prefix>-<number>": all that a launcher of that slot prefix
// ever made. For its executor, once that launcher is dead (its tasks are dead with it, or die
// here). All are tried; an error names the first that is still there after `patience`. Idempotent.
absl::Status SweepSlots(const std::shared_ptr<const SlotParents>& parents, absl::string_view prefix,
                        absl::Duration patience);

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_SLOT_SWEEP_H_
