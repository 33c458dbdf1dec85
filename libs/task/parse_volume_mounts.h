// The `volumes` and `volume_mounts` of a task: from what a stranger sent to what is mounted where.
#ifndef CLOISTER_LIBS_TASK_PARSE_VOLUME_MOUNTS_H_
#define CLOISTER_LIBS_TASK_PARSE_VOLUME_MOUNTS_H_

#include <vector>

#include "cloister/v1/task.pb.h"
#include "libs/task/task_spec.h"
#include "libs/task/violations.h"

namespace cloister::task {

inline constexpr int kMaxVolumes = 32;

// Pure. Adds everything that is wrong to `violations`; the result is good only where that is
// nothing. Looks at names and at the text of paths; which volumes the node has, and what its root
// holds, is the plan's to know.
std::vector<VolumeMount> ParseVolumeMounts(const v1::TaskConfig& config, Violations* violations);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_PARSE_VOLUME_MOUNTS_H_
