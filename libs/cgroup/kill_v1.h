// Ends a slot's processes where there are v1 hierarchies only, which have no cgroup.kill: one by
// one.
#ifndef CLOISTER_LIBS_CGROUP_KILL_V1_H_
#define CLOISTER_LIBS_CGROUP_KILL_V1_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/cgroup/slot_parents.h"

namespace cloister::cgroup {

// Lets nothing in the slot fork any more (pids.max 0; pids.rst), so that a fork bomb cannot outrun
// the kill. `parent` is the pids hierarchy. OK, with nothing written, if the slot is empty or gone.
absl::Status StopForksV1(const SlotParent& parent, const std::string& name);

// Rounds of SIGKILL by pidfd to every member, until cgroup.procs is empty. A process is signalled
// only if it is a member after its pidfd was opened: a pid taken over by a stranger is left alone.
// OK if the slot is empty or gone; DEADLINE_EXCEEDED while processes are left. INTERNAL, killing
// nobody, if the caller is one.
absl::Status KillV1(const SlotParent& parent, const std::string& name, absl::Time deadline);

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_KILL_V1_H_
