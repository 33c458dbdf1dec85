// Which boot of the machine this is. Pids, start times, cgroups and sockets in a record mean
// something only with the boot id that the record carries. Source: random(4),
// /proc/sys/kernel/random/boot_id.
#ifndef CLOISTER_LIBS_STATE_BOOT_ID_H_
#define CLOISTER_LIBS_STATE_BOOT_ID_H_

#include <string>

#include "absl/status/statusor.h"

namespace cloister::state {

// 36 characters, e.g. "5ab4a1ad-1c0e-4a1a-8cfb-2f5f0f3c1c11". `file` is for tests. DATA_LOSS unless
// it has that form.
absl::StatusOr<std::string> ReadBootId(const std::string& file = "/proc/sys/kernel/random/boot_id");

}  // namespace cloister::state

#endif  // CLOISTER_LIBS_STATE_BOOT_ID_H_
