#include "libs/capability/calculate.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/capability/names.h"

namespace cloister::capability {

absl::StatusOr<CapabilitySet> CalculateCapabilities(CapabilitySet defaults, CapabilitySet allow,
                                                    CapabilitySet add, CapabilitySet drop) {
  const CapabilitySet missing = add - allow;
  if (!missing.empty()) {
    return absl::PermissionDeniedError(
        absl::StrCat("driver does not allow the following capabilities: ", JoinedNames(missing)));
  }
  return ((defaults & allow) - drop) | add;
}

}  // namespace cloister::capability
