#include "libs/launch/template_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// Macros, which take the plan's fields of these names for themselves.
#undef major
#undef minor

#include <cstring>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister {
namespace launch {
namespace {

using Device = internal::RootTemplate::Device;

std::string Words(const internal::RootTemplate& root, int index) {
  return absl::StrCat("root.devices[", index, "] '", root.devices(index).outside(), "' on '",
                      root.devices(index).inside(), "'");
}

int Fail(int error) {
  errno = error;
  return -1;
}

// A tree, or for ClassicBinder the node itself; or -1 and errno.
int CloneDevice(const Device& device, bool classic) {
  open_how how;
  std::memset(&how, 0, sizeof(how));
  // O_PATH: opening it for real might do something to it.
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  OwnedFd node(static_cast<int>(
      syscall(SYS_openat2, AT_FDCWD, device.outside().c_str(), &how, sizeof(how))));
  struct stat status;
  if (!node.valid() || fstat(node.get(), &status) != 0) return -1;
  const bool same = (device.block() ? S_ISBLK(status.st_mode) : S_ISCHR(status.st_mode)) &&
                    status.st_rdev == makedev(device.major(), device.minor());
  if (!same) return Fail(ESTALE);
  if (classic) return node.Release();
  OwnedFd tree(static_cast<int>(
      syscall(SYS_open_tree, node.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!tree.valid()) return -1;
  mount_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  attributes.attr_clr = MOUNT_ATTR_NODEV;
  attributes.propagation = MS_PRIVATE;
  if (syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) !=
      0) {
    return -1;
  }
  return tree.Release();
}

}  // namespace

absl::StatusOr<std::vector<OwnedFd>> CloneDevices(const internal::RootTemplate& root) {
  std::vector<OwnedFd> trees;
  for (int i = 0; i < root.devices_size(); ++i) {
    trees.emplace_back(CloneDevice(root.devices(i), root.classic_mounts()));
    if (!trees.back().valid()) return ErrnoStatus(errno, Words(root, i));
  }
  return trees;
}

absl::Status MakeDevicePlaces(const internal::RootTemplate& root, const std::string& stage) {
  for (int i = 0; i < root.devices_size(); ++i) {
    const std::string& inside = root.devices(i).inside();
    for (size_t slash = inside.find('/', 1); slash != std::string::npos;
         slash = inside.find('/', slash + 1)) {
      const std::string directory = absl::StrCat(stage, inside.substr(0, slash));
      if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
        return ErrnoStatus(errno, Words(root, i));
      }
    }
    OwnedFd file(open(absl::StrCat(stage, inside).c_str(),
                      O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0));
    if (!file.valid()) return ErrnoStatus(errno, Words(root, i));
  }
  return absl::OkStatus();
}

absl::Status PlaceDevices(const internal::RootTemplate& root, const std::vector<OwnedFd>& trees,
                          const std::string& stage, const ClassicBinder* binder) {
  for (int i = 0; i < root.devices_size(); ++i) {
    const std::string path = absl::StrCat(stage, root.devices(i).inside());
    const int tree = trees[static_cast<size_t>(i)].get();
    if (binder != nullptr) {
      const absl::Status bound = binder->Bind(tree, path, /*recursive=*/false, /*slave=*/false,
                                              {MS_NOSUID | MS_NOEXEC, MS_NODEV});
      if (!bound.ok()) return ErrnoStatus(ErrnoOf(bound), Words(root, i));
    } else if (syscall(SYS_move_mount, tree, "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) !=
               0) {
      return ErrnoStatus(errno, Words(root, i));
    }
  }
  return absl::OkStatus();
}

}  // namespace launch
}  // namespace cloister
