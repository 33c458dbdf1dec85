// `mounts` of a task: from what a stranger sent to what is mounted where.
#ifndef CLOISTER_LIBS_TASK_PARSE_TASK_MOUNTS_H_
#define CLOISTER_LIBS_TASK_PARSE_TASK_MOUNTS_H_

#include <vector>

#include "cloister/v1/task.pb.h"
#include "libs/task/task_spec.h"
#include "libs/task/violations.h"

namespace cloister::task {

inline constexpr int kMaxTaskMounts = 32;

// Pure. Adds everything that is wrong to `violations`; the result is good only where that is
// nothing. `volume_mounts` are those of the same task, which take their places first.
std::vector<TaskMount> ParseTaskMounts(const v1::TaskConfig& config,
                                       const std::vector<VolumeMount>& volume_mounts,
                                       Violations* violations);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_PARSE_TASK_MOUNTS_H_
