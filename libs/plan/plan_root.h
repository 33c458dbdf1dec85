// The root that tasks of a node share.
#ifndef CLOISTER_LIBS_PLAN_PLAN_ROOT_H_
#define CLOISTER_LIBS_PLAN_PLAN_ROOT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"

namespace cloister::plan {

// The policy's chroot entries as the node has them, or of these what `chroot_env` names by their
// inside paths unless that is empty, with these directories of /sys hidden. INVALID_ARGUMENT with
// violations of config.chroot_env for what is no entry of the policy; other errors as
// MakeRootTemplate (libs/chroot/root_layout.h); INTERNAL if the facts were read for another policy.
absl::StatusOr<internal::RootTemplate> PlanRoot(
    const std::vector<std::string>& chroot_env, const node::NodeFacts& facts,
    const node::NodePolicy& policy, const std::vector<std::string>& hidden_sys_directories);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_ROOT_H_
