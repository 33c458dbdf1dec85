// Tasks with ids of their own: a user namespace whose ids 0 to N - 1 are a range of the node's that
// no other task has. The task's other namespaces belong to the node's user namespace all the same,
// so that what it may do inside is a right over its own files and processes and over nothing else:
// no mount of its root can be changed, whatever it holds.
#ifndef CLOISTER_LIBS_PLAN_PLAN_IDS_H_
#define CLOISTER_LIBS_PLAN_PLAN_IDS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/resolved_user.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// By the task's word, else by the policy's where the node can.
bool HasOwnIds(const task::TaskSpec& spec, const node::NodeFacts& facts,
               const node::NodePolicy& policy);

// Each with a sentence:
//
//   PERMISSION_DENIED    USERNS_REQUIRED: "host" where the policy has "private" and no
//                        allow_host_userns; USER_NOT_MAPPED: a user or group beyond the range
//   FAILED_PRECONDITION  NEEDS_ROOT: ids of its own, or a directory of the node with them, without
//                        root; CAPABILITY_WITHOUT_USE: one over what is the node's
absl::Status CheckOwnIds(const task::TaskSpec& spec, const task::ResolvedUser& user,
                         const node::NodeFacts& facts, const node::NodePolicy& policy);

// Turns a plan of what CheckOwnIds let through into one with ids of its own, which are not assigned
// yet. Does nothing for a task that has none.
void AdaptToOwnIds(const task::TaskSpec& spec, const node::NodeFacts& facts,
                   const node::NodePolicy& policy, internal::LaunchPlan* plan);

// Whether a plan waits for AssignIds.
bool NeedsIds(const internal::LaunchPlan& plan);
// `first` is not 0, and first + count no more than 2^32 - 1.
void AssignIds(uint32_t first, internal::LaunchPlan* plan);

// Why tasks have no ids of their own although the policy has that as the default; empty if they do.
std::string OwnIdsUnavailable(const node::NodeFacts& facts, const node::NodePolicy& policy);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_IDS_H_
