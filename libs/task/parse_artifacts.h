// `artifacts` of a task: from what a stranger sent to what is fetched from where, and lies where.
#ifndef CLOISTER_LIBS_TASK_PARSE_ARTIFACTS_H_
#define CLOISTER_LIBS_TASK_PARSE_ARTIFACTS_H_

#include <vector>

#include "cloister/v1/task.pb.h"
#include "libs/task/task_spec.h"
#include "libs/task/violations.h"

namespace cloister::task {

inline constexpr int kMaxArtifacts = 32;
inline constexpr int kMaxArtifactOptions = 64;
inline constexpr int kMaxArtifactHeaders = 64;

// Pure. Adds everything that is wrong to `violations`; the result is good only where that is
// nothing. No artifact comes to lie in a volume or a mount of the same task, nor those in it, but
// in the directories that every task has.
std::vector<ArtifactSpec> ParseArtifacts(const v1::TaskConfig& config,
                                         const std::vector<VolumeMount>& volume_mounts,
                                         const std::vector<TaskMount>& mounts,
                                         Violations* violations);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_PARSE_ARTIFACTS_H_
