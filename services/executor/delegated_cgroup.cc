#include "services/executor/delegated_cgroup.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/delegation.h"
#include "libs/cgroup/parent.h"
#include "libs/cgroup/placement.h"
#include "libs/node/host_root.h"
#include "libs/node/read_cgroup_facts.h"

namespace cloister::executor {
namespace {

node::CgroupHierarchy* Unified(node::CgroupFacts* facts) {
  auto& hierarchies = facts->hierarchies;
  const auto found = std::find_if(hierarchies.begin(), hierarchies.end(),
                                  [](const node::CgroupHierarchy& one) { return one.unified; });
  return found == hierarchies.end() ? nullptr : &*found;
}

bool IsOurs(const node::CgroupHierarchy& unified, const std::string& place) {
  return !place.empty() && cgroup::MayDivide(absl::StrCat(unified.mount_point, "/", place));
}

// Tasks beneath `place`, in a cgroup that is ours.
absl::StatusOr<std::string> Use(std::string place, std::string ours, node::CgroupFacts* facts) {
  if (!IsOurs(*Unified(facts), ours)) {
    return absl::FailedPreconditionError(
        absl::StrCat("its cgroup '/", ours, "' is not the user's (systemd: Delegate=yes)"));
  }
  node::CgroupFacts usable = *facts;
  Unified(&usable)->writable = true;
  CLOISTER_RETURN_IF_ERROR(cgroup::MakeParent(usable, place));
  *facts = std::move(usable);
  return place;
}

absl::StatusOr<std::string> UseScope(const DelegatedCgroupOptions& options,
                                     node::CgroupFacts* facts) {
  const std::string leaf(cgroup::kSupervisor);
  CLOISTER_RETURN_IF_ERROR(MoveIntoUserScope(options.user_managers, options.unit, leaf));
  CLOISTER_ASSIGN_OR_RETURN(const node::HostRoot root, node::HostRoot::Open("/"));
  CLOISTER_ASSIGN_OR_RETURN(*facts, node::ReadCgroupFacts(root));
  absl::string_view place = Unified(facts)->own_path;
  absl::ConsumeSuffix(&place, absl::StrCat("/", leaf));
  return Use(std::string(place), std::string(place), facts);
}

std::string Above(const std::string& place) {
  const size_t slash = place.rfind('/');
  return slash == std::string::npos ? "" : place.substr(0, slash);
}

absl::StatusOr<std::string> UseOneAbove(const std::string& parent, node::CgroupFacts* facts) {
  std::string above = Above(Unified(facts)->own_path);
  absl::StatusOr<std::string> used = absl::FailedPreconditionError("none above it is the user's");
  while (IsOurs(*Unified(facts), above)) {
    used = Use(absl::StrCat(above, "/", parent), above, facts);
    if (used.ok()) return used;
    above = Above(above);
  }
  return used;
}

}  // namespace

absl::StatusOr<std::string> UseDelegatedCgroup(const DelegatedCgroupOptions& options,
                                               node::CgroupFacts* facts) {
  const node::CgroupHierarchy* const unified = Unified(facts);
  if (facts->layout != node::CgroupLayout::kV2 || unified == nullptr) {
    return absl::FailedPreconditionError("without root it takes cgroup v2 with all controllers");
  }
  absl::StatusOr<std::string> own = Use(unified->own_path, unified->own_path, facts);
  if (own.ok()) return own;
  const absl::StatusOr<std::string> scope = UseScope(options, facts);
  if (scope.ok()) return scope;
  std::string why = std::string(own.status().message());
  if (!absl::IsNotFound(scope.status())) absl::StrAppend(&why, "; ", scope.status().message());
  if (!options.systemd) {
    absl::StatusOr<std::string> above = UseOneAbove(options.parent, facts);
    if (above.ok()) return above;
    absl::StrAppend(&why, "; ", above.status().message());
  }
  return absl::FailedPreconditionError(why);
}

}  // namespace cloister::executor
