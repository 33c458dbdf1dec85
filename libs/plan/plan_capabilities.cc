#include "libs/plan/plan_capabilities.h"

#include "absl/strings/str_cat.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/capability/calculate.h"
#include "libs/capability/five_sets.h"
#include "libs/capability/names.h"

namespace cloister::plan {

using capability::CapabilitySet;

absl::StatusOr<internal::Capabilities> PlanCapabilities(const task::TaskSpec& spec, uint32_t uid,
                                                        const node::NodeFacts& facts,
                                                        const node::NodePolicy& policy) {
  const CapabilitySet supported = facts.capabilities;
  const CapabilitySet unsupported = spec.cap_add().named - supported;
  if (!unsupported.empty()) {
    return InvalidArgument({{"config.cap_add", absl::StrCat("not supported by this node's kernel: ",
                                                            JoinedNames(unsupported))}});
  }
  const CapabilitySet added = spec.cap_add().Expand(supported);
  const absl::StatusOr<CapabilitySet> result = capability::CalculateCapabilities(
      policy.default_capabilities & supported, policy.allow_caps.Expand(supported) & supported,
      added, spec.cap_drop().Expand(supported));
  if (!result.ok()) return WithReason(result.status(), "CAPABILITY_NOT_ALLOWED");
  const capability::FiveSets sets =
      capability::MakeFiveSets(*result, policy.ambient_default_caps ? *result : added, uid);
  internal::Capabilities capabilities;
  capabilities.set_bounding(sets.bounding.bits());
  capabilities.set_permitted(sets.permitted.bits());
  capabilities.set_effective(sets.effective.bits());
  capabilities.set_inheritable(sets.inheritable.bits());
  capabilities.set_ambient(sets.ambient.bits());
  return capabilities;
}

}  // namespace cloister::plan
