// The walls that stand behind the root, the ids and the capabilities: system calls (seccomp),
// files, signals and sockets (Landlock), no_new_privs, hidden paths. Each is up unless the node's
// policy and the task both say otherwise.
#ifndef CLOISTER_LIBS_PLAN_PLAN_HARDENING_H_
#define CLOISTER_LIBS_PLAN_PLAN_HARDENING_H_

#include <cstdint>

#include "absl/status/status.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// What the task switches off and the policy does not let it. PERMISSION_DENIED, with reason
// SECCOMP_REQUIRED, LANDLOCK_REQUIRED, NO_NEW_PRIVS_REQUIRED or MASKED_PATHS_REQUIRED.
absl::Status CheckSwitches(const task::TaskSpec& spec, const node::NodePolicy& policy);

// Sets no_new_privs, seccomp and landlock of a plan whose capabilities, namespaces and mounts are
// there. Landlock as far as the node has it: from version 2 on files, from 6 on signals and
// abstract sockets. Not files of a task that can hold sys_admin: it may mount, which Landlock
// forbids to all whose files it confines.
void PlanHardening(const task::TaskSpec& spec, const node::NodeFacts& facts,
                   internal::LaunchPlan* plan);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_HARDENING_H_
