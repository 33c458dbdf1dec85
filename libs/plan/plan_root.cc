#include "libs/plan/plan_root.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/chroot/root_layout.h"

namespace cloister::plan {

absl::StatusOr<internal::RootTemplate> PlanRoot(
    const node::NodeFacts& facts, const node::NodePolicy& policy,
    const std::vector<std::string>& hidden_sys_directories) {
  chroot::RootLayout layout;
  layout.masked_sys_directories = hidden_sys_directories;
  layout.private_directories = policy.private_directories;
  for (size_t i = 0; i < policy.chroot_entries.size(); ++i) {
    const node::ChrootEntry& entry = policy.chroot_entries[i];
    if (i >= facts.chroot_sources.size() || facts.chroot_sources[i].path != entry.outside) {
      return absl::InternalError(
          absl::StrCat("'", entry.outside, "' was not looked for on this node"));
    }
    layout.entries.push_back({facts.chroot_sources[i], entry.inside});
  }
  return chroot::MakeRootTemplate(layout);
}

}  // namespace cloister::plan
