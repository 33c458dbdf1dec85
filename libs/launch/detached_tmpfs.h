// Memory filesystems that are mounted nowhere yet: for the child to move into place.
#ifndef CLOISTER_LIBS_LAUNCH_DETACHED_TMPFS_H_
#define CLOISTER_LIBS_LAUNCH_DETACHED_TMPFS_H_

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"

namespace cloister {
namespace launch {

// That of a KIND_TMPFS mount of the plan.
absl::StatusOr<OwnedFd> MakeTmpfs(const internal::Mount& mount, const internal::Identity& identity);

// A read-only one with the plan's files, which are called "0", "1" and so on: on no disk, and gone
// with the task. On failure *index is the file.
absl::StatusOr<OwnedFd> MakeGeneratedFiles(const internal::LaunchPlan& plan, int* index);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_DETACHED_TMPFS_H_
