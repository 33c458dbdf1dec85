// `rlimits` of a task: from names and texts to numbers of getrlimit(2).
#ifndef CLOISTER_LIBS_TASK_PARSE_RLIMITS_H_
#define CLOISTER_LIBS_TASK_PARSE_RLIMITS_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "cloister/v1/task.pb.h"
#include "libs/task/task_spec.h"
#include "libs/task/violations.h"

namespace cloister::task {

// Below this no process of ours could be started.
inline constexpr uint64_t kLeastOpenFiles = 16;

// RLIMIT_* of "nofile" or "RLIMIT_NOFILE", any case.
absl::optional<uint32_t> RlimitNumber(absl::string_view name);

// A number, or "unlimited": RLIM_INFINITY.
absl::optional<uint64_t> ParseRlimitValue(absl::string_view text);

// Pure. Adds everything that is wrong to `violations`; the result, in the order of the
// configuration, is good only where that is nothing. What the node allows is the plan's to know.
std::vector<Rlimit> ParseRlimits(const v1::TaskConfig& config, Violations* violations);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_PARSE_RLIMITS_H_
