#include "libs/launch/forbidden_directories.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/lexical_path.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/node/mountinfo.h"

namespace cloister {
namespace launch {
namespace {

using Mounts = std::vector<node::MountEntry>;

// Where a directory is in its file system, whatever is mounted where.
struct Place {
  dev_t device = 0;
  std::string path;
};

absl::StatusOr<Place> PlaceOf(int directory, const Mounts& mounts) {
  char name[PATH_MAX];
  const ssize_t size =
      readlink(absl::StrCat("/proc/thread-self/fd/", directory).c_str(), name, sizeof(name));
  struct stat status;
  struct statx more;
  if (size < 0 || fstat(directory, &status) != 0 ||
      statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &more) != 0) {
    return ErrnoStatus(errno, "stat");
  }
  const std::string path(name, static_cast<size_t>(size));
  for (const node::MountEntry& mount : mounts) {
    if (static_cast<uint64_t>(mount.id) != more.stx_mnt_id) continue;
    if (!IsBeneath(path, mount.mount_point)) break;
    const size_t prefix = mount.mount_point == "/" ? 0 : mount.mount_point.size();
    return Place{status.st_dev, CleanPath(absl::StrCat(mount.root, "/", path.substr(prefix)))};
  }
  return ErrnoStatus(ENOENT, absl::StrCat("mount of '", path, "'"));
}

bool Show(const Place& one, const Place& other) {
  return one.device == other.device &&
         (IsBeneath(one.path, other.path) || IsBeneath(other.path, one.path));
}

absl::StatusOr<Mounts> ReadMounts() {
  OwnedFd file(open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, "/proc/thread-self/mountinfo");
  std::string text;
  char piece[16384];
  for (ssize_t size; (size = read(file.get(), piece, sizeof(piece))) != 0;) {
    if (size < 0) return ErrnoStatus(errno, "/proc/thread-self/mountinfo");
    text.append(piece, static_cast<size_t>(size));
  }
  return node::ParseMountInfo(text);
}

}  // namespace

absl::Status CheckForbidden(int directory, const std::string& path,
                            const google::protobuf::RepeatedPtrField<std::string>& forbidden) {
  if (forbidden.empty()) return absl::OkStatus();
  CLOISTER_ASSIGN_OR_RETURN(const Mounts mounts, ReadMounts());
  std::vector<Place> shown(1);
  CLOISTER_ASSIGN_OR_RETURN(shown[0], PlaceOf(directory, mounts));
  for (const node::MountEntry& mount : mounts) {
    if (mount.mount_point == path || !IsBeneath(mount.mount_point, path)) continue;
    OwnedFd fd(open(mount.mount_point.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) continue;  // Gone.
    absl::StatusOr<Place> place = PlaceOf(fd.get(), mounts);
    if (place.ok()) shown.push_back(*std::move(place));
  }
  for (const std::string& name : forbidden) {
    OwnedFd fd(open(name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid() && (errno == ENOENT || errno == ENOTDIR)) continue;
    if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("'", name, "'"));
    CLOISTER_ASSIGN_OR_RETURN(const Place ours, PlaceOf(fd.get(), mounts));
    for (const Place& place : shown) {
      if (!Show(place, ours) && !IsBeneath(path, name)) continue;
      return ErrnoStatus(EACCES, absl::StrCat("'", path, "' would show '", name, "' to the task"));
    }
  }
  return absl::OkStatus();
}

}  // namespace launch
}  // namespace cloister
