// Ends a slot's processes through a v2 hierarchy. Source: cgroup-v2.rst, cgroup.kill and
// cgroup.events.
#ifndef CLOISTER_LIBS_CGROUP_KILL_V2_H_
#define CLOISTER_LIBS_CGROUP_KILL_V2_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/cgroup/slot_parents.h"

namespace cloister::cgroup {

// One write to cgroup.kill, which misses no fork, then a wait for "populated 0". OK if the slot is
// empty or gone; DEADLINE_EXCEEDED while processes are left.
absl::Status KillV2(const SlotParent& parent, const std::string& name, absl::Time deadline);

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_KILL_V2_H_
