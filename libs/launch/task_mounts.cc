#include "libs/launch/task_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"
#include "libs/launch/detached_tmpfs.h"
#include "libs/launch/forbidden_directories.h"
#include "libs/launch/task_owner.h"
#include "libs/launch/template_paths.h"
#include "libs/os/directory.h"

namespace cloister {
namespace launch {
namespace {

using internal::Mount;

uint64_t PropagationOf(const Mount& mount) {
  switch (mount.propagation()) {
    case Mount::PROPAGATION_SLAVE:
      return MS_SLAVE;
    case Mount::PROPAGATION_SHARED:
      return MS_SHARED;
    default:
      return MS_PRIVATE;
  }
}

// A detached mount of `directory`; with `recursive`, an AT_ flag or 0, with what is mounted in it.
absl::StatusOr<OwnedFd> CloneTree(const Mount& mount, int directory, unsigned recursive) {
  OwnedFd tree(
      static_cast<int>(syscall(SYS_open_tree, directory, "",
                               AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive)));
  if (!tree.valid()) return ErrnoStatus(errno, "open_tree");
  mount_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (mount.noexec()) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
  if (mount.read_only()) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  attributes.propagation = PropagationOf(mount);
  if (syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH | recursive, &attributes,
              sizeof(attributes)) != 0) {
    return ErrnoStatus(errno, "mount_setattr");
  }
  return tree;
}

// As long as nobody sees the tree: the kernel lets no other be mapped.
absl::Status MapIds(const Mount& mount, int tree, int user_namespace) {
  mount_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<uint64_t>(user_namespace);
  if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
              sizeof(attributes)) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, absl::StrCat("'", mount.outside(),
                                         "' or what is mounted in it has a filesystem that cannot "
                                         "be id-mapped, as a task with ids of its own needs it"));
}

// Its parts are the task's, or closed to it, each with a mode of its own.
absl::StatusOr<OwnedFd> MakeOwnDirectory(const Mount& mount, const internal::Identity& identity,
                                         int task_directory) {
  const bool of_parts = !mount.parts().empty();
  const TaskOwner owner = OwnerOf(identity);
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd directory,
                            MakeDirectory(task_directory, mount.source(), mount.mode(),
                                          of_parts ? 0 : owner.uid, of_parts ? 0 : owner.gid));
  for (const Mount::Part& part : mount.parts()) {
    CLOISTER_RETURN_IF_ERROR(MakeDirectory(directory.get(), part.name(), part.mode(),
                                           part.owned() ? owner.uid : 0,
                                           part.owned() ? owner.gid : 0)
                                 .status());
  }
  return directory;
}

// In directories that were made a moment ago and that nothing of the task has seen. The last part
// is a file where a file is mounted.
absl::Status MakeMountPoint(const std::string& path, const internal::Identity& identity,
                            int task_directory, bool file) {
  const TaskOwner owner = OwnerOf(identity);
  OwnedFd held;
  int at = task_directory;
  auto parts = SplitPath(path);
  std::string last;
  if (file && !parts.empty()) {
    last = std::string(parts.back());
    parts.pop_back();
  }
  for (absl::string_view part : parts) {
    const std::string name(part);
    absl::StatusOr<OwnedFd> next = OpenBeneath(at, name, O_RDONLY | O_DIRECTORY);
    if (absl::IsNotFound(next.status())) {
      next = MakeDirectory(at, name, 0755, owner.uid, owner.gid);
    }
    if (!next.ok()) return next.status();
    held = *std::move(next);
    at = held.get();
  }
  if (last.empty()) return absl::OkStatus();
  return OpenBeneath(at, last, O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0444).status();
}

// What the plan was made for: no link may be on the way, as parts of the path may be a tenant's,
// and another directory in the place of a volume is another volume.
absl::StatusOr<OwnedFd> OpenOfHost(const Mount& mount, uint64_t flags, struct stat* status) {
  open_how how;
  std::memset(&how, 0, sizeof(how));
  how.flags = O_CLOEXEC | flags;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const std::string what = absl::StrCat("'", mount.outside(), "'");
  OwnedFd fd(
      static_cast<int>(syscall(SYS_openat2, AT_FDCWD, mount.outside().c_str(), &how, sizeof(how))));
  if (!fd.valid() || fstat(fd.get(), status) != 0) return ErrnoStatus(errno, what);
  if (mount.inode() == 0) return fd;
  if (status->st_dev != mount.device() || status->st_ino != mount.inode()) {
    return ErrnoStatus(
        ESTALE,
        absl::StrCat(what, " is not the directory that was there when the executor ",
                     mount.kind() == Mount::KIND_HOST_DIRECTORY ? "started" : "put it there"));
  }
  return fd;
}

absl::StatusOr<OwnedFd> OpenHostDirectory(const Mount& mount) {
  struct stat status;
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd directory, OpenOfHost(mount, O_PATH | O_DIRECTORY, &status));
  CLOISTER_RETURN_IF_ERROR(CheckForbidden(directory.get(), mount.outside(), mount.forbidden()));
  return directory;
}

absl::StatusOr<OwnedFd> OpenCached(const Mount& mount, const internal::Identity& identity,
                                   int task_directory) {
  struct stat status;
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd cached, OpenOfHost(mount, O_PATH, &status));
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    return ErrnoStatus(EINVAL, absl::StrCat("'", mount.outside(), "' is no file or directory"));
  }
  if (!mount.mount_point().empty()) {
    CLOISTER_RETURN_IF_ERROR(
        MakeMountPoint(mount.mount_point(), identity, task_directory, S_ISREG(status.st_mode)));
  }
  return cached;
}

// What is mounted, once the place that it is mounted on is made.
absl::StatusOr<OwnedFd> OpenSource(const Mount& mount, const internal::Identity& identity,
                                   int task_directory) {
  if (mount.kind() == Mount::KIND_TASK_DIRECTORY) {
    return MakeOwnDirectory(mount, identity, task_directory);
  }
  if (mount.kind() == Mount::KIND_CACHED) return OpenCached(mount, identity, task_directory);
  if (!mount.mount_point().empty()) {
    CLOISTER_RETURN_IF_ERROR(
        MakeMountPoint(mount.mount_point(), identity, task_directory, /*file=*/false));
  }
  return OpenHostDirectory(mount);
}

absl::StatusOr<OwnedFd> PrepareTree(const Mount& mount, const internal::Identity& identity,
                                    int task_directory, int volume_namespace) {
  if (mount.kind() == Mount::KIND_TMPFS) {
    if (!mount.mount_point().empty()) {
      CLOISTER_RETURN_IF_ERROR(
          MakeMountPoint(mount.mount_point(), identity, task_directory, /*file=*/false));
    }
    return MakeTmpfs(mount, identity);
  }
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd source, OpenSource(mount, identity, task_directory));
  const bool is_host = mount.kind() == Mount::KIND_HOST_DIRECTORY;
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd tree,
                            CloneTree(mount, source.get(), is_host ? AT_RECURSIVE : 0));
  if (is_host && volume_namespace >= 0) {
    CLOISTER_RETURN_IF_ERROR(MapIds(mount, tree.get(), volume_namespace));
  }
  return tree;
}

absl::StatusOr<ClassicSource> PrepareSource(const Mount& mount, const internal::Identity& identity,
                                            int task_directory, int volume_namespace) {
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd opened, OpenSource(mount, identity, task_directory));
  CLOISTER_ASSIGN_OR_RETURN(ClassicSource source, DescribeSource(opened.get()));
  source.recursive = mount.kind() == Mount::KIND_HOST_DIRECTORY;
  source.slave = mount.propagation() == Mount::PROPAGATION_SLAVE;
  source.flags.set = MS_NOSUID | MS_NODEV;
  if (mount.noexec()) source.flags.set |= MS_NOEXEC;
  if (mount.read_only()) source.flags.set |= MS_RDONLY;
  // Nothing that would be a weaker mount than the plan's.
  if (mount.propagation() == Mount::PROPAGATION_SHARED) {
    return ErrnoStatus(ENOSYS, "a bidirectional mount without open_tree and mount_setattr");
  }
  if (source.recursive && volume_namespace >= 0) {
    return ErrnoStatus(ENOSYS, "a mount with ids of its own without mount_setattr");
  }
  return source;
}

bool ComesFromTheNode(const Mount& mount) {
  return mount.kind() == Mount::KIND_TASK_DIRECTORY || mount.kind() == Mount::KIND_HOST_DIRECTORY ||
         mount.kind() == Mount::KIND_CACHED;
}

}  // namespace

absl::StatusOr<std::vector<OwnedFd>> PrepareTaskMounts(const internal::LaunchPlan& plan,
                                                       int task_directory, int volume_namespace,
                                                       FlatPlan* flat, int* index) {
  std::vector<OwnedFd> trees;
  for (int i = 0; i < plan.mounts_size(); ++i) {
    const Mount& mount = plan.mounts(i);
    if (!ComesFromTheNode(mount) && !mount.chosen()) continue;
    *index = i;
    CLOISTER_ASSIGN_OR_RETURN(
        OwnedFd tree, PrepareTree(mount, plan.identity(), task_directory, volume_namespace));
    flat->SetTree(i, tree.get());
    trees.push_back(std::move(tree));
  }
  return trees;
}

absl::StatusOr<std::vector<OwnedFd>> OpenCopies(const internal::LaunchPlan& plan, FlatPlan* flat,
                                                int* index) {
  std::vector<OwnedFd> files;
  for (int i = 0; i < plan.mounts_size(); ++i) {
    const Mount& mount = plan.mounts(i);
    if (mount.kind() != Mount::KIND_COPIED || mount.outside().empty()) continue;
    *index = i;
    struct stat status;
    CLOISTER_ASSIGN_OR_RETURN(OwnedFd file,
                              OpenOfHost(mount, O_RDONLY | O_NONBLOCK | O_NOCTTY, &status));
    if (!S_ISREG(status.st_mode)) {
      return ErrnoStatus(EINVAL, absl::StrCat("'", mount.outside(), "' is no file"));
    }
    flat->SetTree(i, file.get());
    files.push_back(std::move(file));
  }
  return files;
}

absl::StatusOr<std::vector<ClassicSource>> PrepareClassicMounts(const internal::LaunchPlan& plan,
                                                                int task_directory,
                                                                int volume_namespace,
                                                                FlatPlan* flat, int* index) {
  std::vector<ClassicSource> sources;
  for (int i = 0; i < plan.mounts_size(); ++i) {
    const Mount& mount = plan.mounts(i);
    *index = i;
    if (ComesFromTheNode(mount)) {
      CLOISTER_ASSIGN_OR_RETURN(
          ClassicSource source,
          PrepareSource(mount, plan.identity(), task_directory, volume_namespace));
      flat->SetStaged(i, absl::StrCat(kTemplateEmptyDirectory, "/", sources.size()));
      sources.push_back(std::move(source));
    } else if (!mount.mount_point().empty()) {
      CLOISTER_RETURN_IF_ERROR(
          MakeMountPoint(mount.mount_point(), plan.identity(), task_directory, /*file=*/false));
    }
  }
  return sources;
}

}  // namespace launch
}  // namespace cloister
