// The cgroup of an executor without root: the one that it was started in, where that was given to
// its user (systemd: Delegate=yes of a user's service or scope) and nobody else is in it.
#ifndef CLOISTER_SERVICES_EXECUTOR_DELEGATED_CGROUP_H_
#define CLOISTER_SERVICES_EXECUTOR_DELEGATED_CGROUP_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/node/cgroup_facts.h"

namespace cloister::executor {

// Makes it the parent of the tasks' cgroups (cgroup::MakeParent) and moves this process into a leaf
// of it. What comes back is its place, for the node's policy; `facts` say then that it may be used.
// FAILED_PRECONDITION, and nothing is changed, where there is none: no cgroup v2 with controllers,
// one that is not the user's, one that lacks a controller or has other processes.
absl::StatusOr<std::string> UseDelegatedCgroup(node::CgroupFacts* facts);

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_DELEGATED_CGROUP_H_
