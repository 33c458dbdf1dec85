// The files of /etc that are made for a task: hosts, hostname, resolv.conf. Only for one that asks
// for a hostname or for dns, as each costs a mount.
#ifndef CLOISTER_LIBS_PLAN_PLAN_FILES_H_
#define CLOISTER_LIBS_PLAN_PLAN_FILES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// - Each goes over the plain file that the task's root has there, or over the one that a link
//   leads to (/etc/resolv.conf of systemd-resolved), if it is in the root as well. Nothing can be
//   made in a directory of the node's.
// - hosts is the node's with a line for the hostname; hostname and hosts are left out where the
//   root has no such file.
// - resolv.conf is the node's but for what `dns` has. INVALID_ARGUMENT with a violation of
//   config.dns where the root has no such file.
absl::StatusOr<std::vector<internal::GeneratedFile>> PlanFiles(const task::TaskSpec& spec,
                                                               const node::NodeFacts& facts,
                                                               const internal::RootTemplate& root);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_FILES_H_
