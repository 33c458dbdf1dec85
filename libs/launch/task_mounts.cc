#include "libs/launch/task_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister {
namespace launch {
namespace {

absl::StatusOr<OwnedFd> CloneTree(const internal::Mount& mount, int directory) {
  OwnedFd tree(static_cast<int>(
      syscall(SYS_open_tree, directory, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!tree.valid()) return ErrnoStatus(errno, "open_tree");
  mount_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (mount.noexec()) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
  if (mount.read_only()) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  attributes.propagation = MS_PRIVATE;
  if (syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) !=
      0) {
    return ErrnoStatus(errno, "mount_setattr");
  }
  return tree;
}

}  // namespace

absl::StatusOr<std::vector<OwnedFd>> PrepareTaskMounts(const internal::LaunchPlan& plan,
                                                       int task_directory, FlatPlan* flat,
                                                       int* index) {
  std::vector<OwnedFd> trees;
  for (int i = 0; i < plan.mounts_size(); ++i) {
    const internal::Mount& mount = plan.mounts(i);
    if (mount.kind() != internal::Mount::KIND_TASK_DIRECTORY) continue;
    *index = i;
    CLOISTER_ASSIGN_OR_RETURN(OwnedFd directory,
                              MakeDirectory(task_directory, mount.source(), mount.mode(),
                                            plan.identity().uid(), plan.identity().gid()));
    CLOISTER_ASSIGN_OR_RETURN(OwnedFd tree, CloneTree(mount, directory.get()));
    flat->SetTree(i, tree.get());
    trees.push_back(std::move(tree));
  }
  return trees;
}

}  // namespace launch
}  // namespace cloister
