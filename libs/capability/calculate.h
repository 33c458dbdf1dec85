// The capabilities of a task: from what is granted by default, what the node allows, and what the
// task adds and drops.
//
//   const auto result = CalculateCapabilities(kDefaultCapabilities, allow, add, drop);
//
// Pure. The rule is that of the exec driver (`allow_caps` of the node, `cap_add` and `cap_drop` of
// the task).
#ifndef CLOISTER_LIBS_CAPABILITY_CALCULATE_H_
#define CLOISTER_LIBS_CAPABILITY_CALCULATE_H_

#include "absl/status/statusor.h"
#include "libs/capability/capability_set.h"

namespace cloister::capability {

// audit_write chown dac_override fowner fsetid kill mknod net_bind_service setfcap setgid setpcap
// setuid sys_chroot: the exec driver's thirteen, Docker's fourteen without net_raw.
inline constexpr CapabilitySet kDefaultCapabilities = CapabilitySet::FromBits(0xa80405fb);

// (defaults & allow) - drop | add. What is added is kept even if it is dropped too, so that "drop
// all, add X" is exactly X; a default that the node does not allow is left out without a word.
// PERMISSION_DENIED if `add` holds something that `allow` does not: "driver does not allow the
// following capabilities: a, b", in alphabetic order.
absl::StatusOr<CapabilitySet> CalculateCapabilities(CapabilitySet defaults, CapabilitySet allow,
                                                    CapabilitySet add, CapabilitySet drop);

}  // namespace cloister::capability

#endif  // CLOISTER_LIBS_CAPABILITY_CALCULATE_H_
