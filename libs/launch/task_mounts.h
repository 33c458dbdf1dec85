// Detached mount trees of a task's own directories and of its volumes, made before the clone and
// moved into place by the child. The only place that makes directories of a task's own.
#ifndef CLOISTER_LIBS_LAUNCH_TASK_MOUNTS_H_
#define CLOISTER_LIBS_LAUNCH_TASK_MOUNTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/launch/classic_binder.h"
#include "libs/launch/flat_plan.h"

namespace cloister {
namespace launch {

// `volume_namespace` id-maps the node's directories; -1: they are as they are. (Those of the task's
// own need it not: they are made empty, with an owner of its range.)
//
// For each KIND_TASK_DIRECTORY mount: makes its directory beneath `task_directory`, owned by the
// task, clones it as a tree (nosuid,nodev, private) and gives that to `flat`. For each
// KIND_HOST_DIRECTORY: opens that directory of the node, without following a link, and clones it
// with what is mounted in it (nosuid,nodev, read-only and propagating as the plan says). For each
// KIND_TMPFS at a place of the task's choice: makes it. For each KIND_CACHED: makes its mount point
// as what it is, a file or a directory, and clones it read-only. The result owns the trees. On
// failure *index is the mount; ESTALE for another directory than the plan's, EACCES for one that
// would show what is forbidden.
absl::StatusOr<std::vector<OwnedFd>> PrepareTaskMounts(const internal::LaunchPlan& plan,
                                                       int task_directory, int volume_namespace,
                                                       FlatPlan* flat, int* index);

// For each KIND_COPIED of a file: opens it and gives it to `flat`. The result owns the descriptors,
// which the child reads while it makes the copies. Fails as PrepareTaskMounts.
absl::StatusOr<std::vector<OwnedFd>> OpenCopies(const internal::LaunchPlan& plan, FlatPlan* flat,
                                                int* index);

// PrepareTaskMounts without open_tree(2), move_mount(2) and mount_setattr(2): what
// BuildMountTemplate is to bind, from where the child moves it; a tmpfs is the child's to make.
// ENOSYS for a mount that would be another one without those calls.
absl::StatusOr<std::vector<ClassicSource>> PrepareClassicMounts(const internal::LaunchPlan& plan,
                                                                int task_directory,
                                                                int volume_namespace,
                                                                FlatPlan* flat, int* index);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_TASK_MOUNTS_H_
