#include "libs/plan/plan_root.h"

#include <algorithm>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_macros.h"
#include "libs/chroot/root_layout.h"

namespace cloister::plan {
namespace {

absl::Status CheckWanted(const std::vector<std::string>& chroot_env,
                         const node::NodePolicy& policy) {
  std::vector<std::string> offered;
  for (const node::ChrootEntry& entry : policy.chroot_entries) offered.push_back(entry.inside);
  std::vector<FieldViolation> violations;
  for (size_t i = 0; i < chroot_env.size(); ++i) {
    if (std::count(offered.begin(), offered.end(), chroot_env[i]) > 0) continue;
    violations.push_back(
        {absl::StrCat("config.chroot_env[", i, "]"),
         absl::StrCat("'", absl::CHexEscape(chroot_env[i]),
                      "' is none of this node's chroot entries: ", absl::StrJoin(offered, " "))});
  }
  return InvalidArgument(violations);
}

}  // namespace

absl::StatusOr<internal::RootTemplate> PlanRoot(
    const std::vector<std::string>& chroot_env, const node::NodeFacts& facts,
    const node::NodePolicy& policy, const std::vector<std::string>& hidden_sys_directories) {
  CLOISTER_RETURN_IF_ERROR(CheckWanted(chroot_env, policy));
  const std::set<std::string> wanted(chroot_env.begin(), chroot_env.end());
  chroot::RootLayout layout;
  layout.masked_sys_directories = hidden_sys_directories;
  layout.private_directories = policy.private_directories;
  for (size_t i = 0; i < policy.chroot_entries.size(); ++i) {
    const node::ChrootEntry& entry = policy.chroot_entries[i];
    if (i >= facts.chroot_sources.size() || facts.chroot_sources[i].path != entry.outside) {
      return absl::InternalError(
          absl::StrCat("'", entry.outside, "' was not looked for on this node"));
    }
    if (!wanted.empty() && wanted.count(entry.inside) == 0) continue;
    layout.entries.push_back({facts.chroot_sources[i], entry.inside});
  }
  CLOISTER_ASSIGN_OR_RETURN(internal::RootTemplate root, chroot::MakeRootTemplate(layout));
  root.set_no_pivot_root(policy.no_pivot_root);
  root.set_classic_mounts(facts.classic_mounts);
  return root;
}

}  // namespace cloister::plan
