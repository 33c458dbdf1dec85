// The cgroups (v2) of a private cluster of an ordinary user's: in one that was given to the user,
// by systemd (Delegate=yes) or by whoever runs this machine. Executors find it for themselves
// (services/executor/delegated_cgroup.h), but where they were started beside others, which they
// cannot move: the kernel gives tasks no controllers of a cgroup that has processes itself.
#ifndef CLOISTER_TOOLS_CLOISTER_DEV_CGROUP_H_
#define CLOISTER_TOOLS_CLOISTER_DEV_CGROUP_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/node/cgroup_facts.h"
#include "tools/cloister/dev_layout.h"

namespace cloister {

// Before the first service is started, which then starts where this process is. Where this is a
// user's process, alone in a cgroup of the user's, it moves into a leaf of it; does nothing
// elsewhere.
absl::Status StepAside(const DevLayout& layout);

// Back, if this process has stepped aside: once the cluster's other cgroups there are gone.
absl::Status StepBack(const DevLayout& layout);

// Where the cluster has cgroups, as `facts` have paths: this process's and those of `services`, and
// all cgroups above these, are looked through. Of an ordinary user's cluster; root's are at the
// top.
absl::StatusOr<std::vector<std::string>> FindDevCgroups(const DevLayout& layout,
                                                        const std::vector<pid_t>& services,
                                                        const node::CgroupFacts& facts);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_DEV_CGROUP_H_
