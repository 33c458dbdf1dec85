// Whether this machine can run tasks, found out before anything is started, in words that say what
// to do.
#ifndef CLOISTER_TOOLS_CLOISTER_MACHINE_CHECK_H_
#define CLOISTER_TOOLS_CLOISTER_MACHINE_CHECK_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/node/cgroup_facts.h"

namespace cloister {

// What the check looks at. ReadMachineFacts asks the kernel; tests make it up.
struct MachineFacts {
  uid_t effective_uid = 0;
  // Names of namespaces that cannot be made, with the reason: "pid: operation not permitted".
  std::string missing_namespaces;
  node::CgroupFacts cgroups;
};

absl::StatusOr<MachineFacts> ReadMachineFacts();

// OK, or FAILED_PRECONDITION with the first thing that is missing and, as a hint, how to go on.
// `cgroups` is "auto" or "none": without cgroups, "auto" is refused, and the hint offers "none" and
// says what that costs.
absl::Status CheckMachine(const MachineFacts& facts, const std::string& cgroups);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_MACHINE_CHECK_H_
