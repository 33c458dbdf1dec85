// `devices` of a task: from what a stranger sent to what is wanted where.
#ifndef CLOISTER_LIBS_TASK_PARSE_DEVICES_H_
#define CLOISTER_LIBS_TASK_PARSE_DEVICES_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "cloister/v1/task.pb.h"
#include "libs/task/task_spec.h"
#include "libs/task/violations.h"

namespace cloister::task {

inline constexpr int kMaxDevices = 32;

// "rwm" in any order, each once: bits of BPF_DEVCG_ACC_*. None for other text.
absl::optional<uint32_t> ParseDeviceAccess(absl::string_view text);
// "rwm" of these bits.
std::string DeviceAccessText(uint32_t access);

// Pure. Adds everything that is wrong to `violations`; the result is good only where that is
// nothing. Which devices there are and who may have them is the plan's to know.
std::vector<Device> ParseDevices(const v1::TaskConfig& config, Violations* violations);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_PARSE_DEVICES_H_
