// The cgroup (v2) of an executor without root, in which it limits tasks. In this order:
//
//   the one that it was started in, where that was given to its user (systemd: Delegate=yes of a
//       user's service or scope) and nobody else is in it;
//   a scope of the user's systemd manager, where there is one (user_scope.h);
//   without systemd, one of its own in the nearest cgroup above that is its user's and has the
//       controllers to give: that of a container, a login or a script which was given a subtree.
#ifndef CLOISTER_SERVICES_EXECUTOR_DELEGATED_CGROUP_H_
#define CLOISTER_SERVICES_EXECUTOR_DELEGATED_CGROUP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/node/cgroup_facts.h"
#include "services/executor/user_scope.h"

namespace cloister::executor {

struct DelegatedCgroupOptions {
  // Name of one of its own, in a cgroup that others share.
  std::string parent;
  // Of the user manager's scope; the same for each executor of a state directory.
  std::string unit;
  std::vector<ManagerSocket> user_managers;
  // systemd has this machine's cgroups, and nobody makes any where it has not given them away.
  bool systemd = false;
};

// Makes it the parent of the tasks' cgroups (cgroup::MakeParent) and moves this process into a leaf
// of it. What comes back is its place, for the node's policy; `facts` say then that it may be used.
// FAILED_PRECONDITION where there is none, with the reason of each: no cgroup v2 with controllers,
// one that is not the user's, one that lacks a controller or has other processes. Then nothing is
// changed, but for a scope that was made and lacks something.
absl::StatusOr<std::string> UseDelegatedCgroup(const DelegatedCgroupOptions& options,
                                               node::CgroupFacts* facts);

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_DELEGATED_CGROUP_H_
