#include "libs/launch/overlay_root.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"

namespace cloister {
namespace launch {
namespace {

// Beside one for each page: small files are what a root is made of.
constexpr uint64_t kInodes = 1024;
constexpr uint64_t kPage = 4096;

}  // namespace

absl::StatusOr<std::unique_ptr<OverlayRoot>> OverlayRoot::Make(const std::string& place,
                                                               uint64_t bytes,
                                                               const TaskOwner& owner) {
  const std::string options =
      absl::StrCat("mode=700,size=", bytes, ",nr_inodes=", kInodes + bytes / kPage);
  if (mount("tmpfs", place.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    return ErrnoStatus(errno, "tmpfs of the overlay root");
  }
  OwnedFd upper(open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!upper.valid()) return ErrnoStatus(errno, "tmpfs of the overlay root");
  return std::unique_ptr<OverlayRoot>(new OverlayRoot(std::move(upper), owner));
}

absl::Status OverlayRoot::Cover(const std::string& path) {
  const std::string what = absl::StrCat("overlay on '", path, "'");
  // They mean something among the options.
  if (path.find_first_of(":,\\") != std::string::npos) return ErrnoStatus(EINVAL, what);
  struct stat lower;
  if (stat(path.c_str(), &lower) != 0) return ErrnoStatus(errno, what);
  const std::string name = absl::StrCat(layers_++);
  const std::string top = absl::StrCat(name, "/u");
  const std::string work = absl::StrCat(name, "/w");
  const int at = upper_.get();
  if (mkdirat(at, name.c_str(), 0700) != 0 || mkdirat(at, top.c_str(), 0700) != 0 ||
      mkdirat(at, work.c_str(), 0700) != 0 ||
      fchownat(at, top.c_str(), owner_.uid, owner_.gid, AT_SYMLINK_NOFOLLOW) != 0 ||
      fchmodat(at, top.c_str(), lower.st_mode & 0777, 0) != 0) {
    return ErrnoStatus(errno, what);
  }
  // By relative paths, as no other leads there once "/" is covered.
  if (fchdir(at) != 0) return ErrnoStatus(errno, what);
  const std::string options = absl::StrCat("lowerdir=", path, ",upperdir=", top, ",workdir=", work);
  if (mount("overlay", path.c_str(), "overlay", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    return ErrnoStatus(errno, what);
  }
  return absl::OkStatus();
}

absl::Status OverlayRoot::Hide() {
  if (fchdir(upper_.get()) != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) {
    return ErrnoStatus(errno, "unmount of the overlay root's tmpfs");
  }
  return absl::OkStatus();
}

}  // namespace launch
}  // namespace cloister
