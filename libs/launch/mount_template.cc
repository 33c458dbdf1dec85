#include "libs/launch/mount_template.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"
#include "libs/launch/mount_points.h"
#include "libs/launch/overlay_root.h"
#include "libs/launch/template_devices.h"
#include "libs/launch/template_paths.h"

namespace cloister {
namespace launch {
namespace {

// Where the new root is put together before it becomes "/": any directory does, as the namespace is
// private.
constexpr const char* kStage = "/proc";

constexpr uint64_t kLocked = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

std::string Staged(const std::string& inside) { return absl::StrCat(kStage, inside); }

absl::Status SetAttributes(int tree, uint64_t attributes) {
  mount_attr attr;
  std::memset(&attr, 0, sizeof(attr));
  attr.attr_set = attributes;
  attr.propagation = MS_PRIVATE;
  if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) !=
      0) {
    return ErrnoStatus(errno, "mount_setattr");
  }
  return absl::OkStatus();
}

absl::StatusOr<OwnedFd> CloneTree(const std::string& path, unsigned recursive,
                                  uint64_t attributes) {
  OwnedFd tree(static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, path.c_str(),
                                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive)));
  if (!tree.valid()) return ErrnoStatus(errno, absl::StrCat("clone of '", path, "'"));
  const absl::Status set = SetAttributes(tree.get(), attributes);
  if (!set.ok()) return ErrnoStatus(ErrnoOf(set), absl::StrCat("attributes of '", path, "'"));
  return tree;
}

absl::Status PlaceTree(int tree, const std::string& path) {
  if (syscall(SYS_move_mount, tree, "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, absl::StrCat("mount on '", path, "'"));
}

// Through no link: the plan has what links led to when the executor started, and where tenants can
// write to a tree of the operator's, one that has come since is theirs.
OwnedFd OpenBind(const std::string& outside) {
  open_how how;
  std::memset(&how, 0, sizeof(how));
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return OwnedFd(
      static_cast<int>(syscall(SYS_openat2, AT_FDCWD, outside.c_str(), &how, sizeof(how))));
}

// The operator's directories, cloned, or opened for ClassicBinder, before the new root exists, so
// that nothing in it can be meant by their names.
absl::StatusOr<std::vector<OwnedFd>> CloneBinds(const internal::RootTemplate& root) {
  std::vector<OwnedFd> trees;
  for (int i = 0; i < root.binds_size(); ++i) {
    const std::string what = absl::StrCat("root.binds[", i, "] '", root.binds(i).outside(),
                                          "' on '", root.binds(i).inside(), "'");
    OwnedFd source = OpenBind(root.binds(i).outside());
    if (!source.valid()) return ErrnoStatus(errno, what);
    if (root.classic_mounts()) {
      trees.push_back(std::move(source));
      continue;
    }
    OwnedFd tree(static_cast<int>(
        syscall(SYS_open_tree, source.get(), "",
                AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)));
    if (!tree.valid()) return ErrnoStatus(errno, what);
    absl::Status locked = SetAttributes(tree.get(), kLocked);
    if (!locked.ok()) return ErrnoStatus(ErrnoOf(locked), what);
    trees.push_back(std::move(tree));
  }
  return trees;
}

absl::Status MakeEntries(const internal::RootTemplate& root) {
  for (const auto& directory : root.directories()) {
    const std::string path = Staged(directory.inside());
    if ((mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) ||
        chmod(path.c_str(), directory.mode()) != 0) {
      return ErrnoStatus(errno, absl::StrCat("root directory '", directory.inside(), "'"));
    }
  }
  for (const auto& link : root.links()) {
    if (symlink(link.target().c_str(), Staged(link.inside()).c_str()) != 0) {
      return ErrnoStatus(errno, absl::StrCat("root link '", link.inside(), "'"));
    }
  }
  return absl::OkStatus();
}

absl::Status PlaceBind(int tree, const std::string& path, const ClassicBinder* binder) {
  if (binder == nullptr) return PlaceTree(tree, path);
  return binder->Bind(tree, path, /*recursive=*/true, /*slave=*/false,
                      {MS_RDONLY | MS_NOSUID | MS_NODEV, 0});
}

// With `overlay`, one over each directory.
absl::Status PlaceBinds(const internal::RootTemplate& root, const std::vector<OwnedFd>& trees,
                        OverlayRoot* overlay, const ClassicBinder* binder) {
  for (int i = 0; i < root.binds_size(); ++i) {
    const internal::RootTemplate::Bind& bind = root.binds(i);
    const std::string path = Staged(bind.inside());
    if (bind.file()) {
      OwnedFd file(open(path.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0444));
      if (!file.valid())
        return ErrnoStatus(errno, absl::StrCat("root.binds[", i, "] on '", bind.inside(), "'"));
    } else if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
      return ErrnoStatus(errno, absl::StrCat("root.binds[", i, "] on '", bind.inside(), "'"));
    }
    const absl::Status placed = PlaceBind(trees[static_cast<size_t>(i)].get(), path, binder);
    if (!placed.ok()) {
      return ErrnoStatus(ErrnoOf(placed), absl::StrCat("root.binds[", i, "] '", bind.outside(),
                                                       "' on '", bind.inside(), "'"));
    }
    if (overlay == nullptr || bind.file()) continue;
    CLOISTER_RETURN_IF_ERROR(overlay->Cover(path));
  }
  return absl::OkStatus();
}

// Null for a root that stays read-only. Before anything is mounted in the stage, as an overlay
// shows no mounts of what it is over.
absl::StatusOr<std::unique_ptr<OverlayRoot>> BeginOverlay(const internal::RootTemplate& root,
                                                          const TaskOwner& owner) {
  if (root.overlay_bytes() == 0) return std::unique_ptr<OverlayRoot>();
  CLOISTER_ASSIGN_OR_RETURN(std::unique_ptr<OverlayRoot> overlay,
                            OverlayRoot::Make(Staged("/proc"), root.overlay_bytes(), owner));
  CLOISTER_RETURN_IF_ERROR(overlay->Cover(kStage));
  return overlay;
}

struct Device {
  const char* name;
  unsigned major;
  unsigned minor;
};

constexpr Device kDevices[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                               {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
constexpr const char* kDeviceLinks[][2] = {{"/proc/self/fd", "fd"},
                                           {"/proc/self/fd/0", "stdin"},
                                           {"/proc/self/fd/1", "stdout"},
                                           {"/proc/self/fd/2", "stderr"},
                                           {"pts/ptmx", "ptmx"}};
constexpr const char* kDeviceDirectories[] = {"pts", "shm", "mqueue"};

// Where the user namespace may make no device nodes: the node's own, each bound over a file.
absl::Status BindDevice(const char* name) {
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd node,
                            CloneTree(absl::StrCat("/dev/", name), 0,
                                      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  const std::string path = absl::StrCat(Staged("/dev/"), name);
  const OwnedFd file(open(path.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0444));
  if (!file.valid()) return ErrnoStatus(errno, absl::StrCat("device '/dev/", name, "'"));
  return PlaceTree(node.get(), path);
}

absl::Status MakeDevice(const Device& device) {
  const std::string path = absl::StrCat(Staged("/dev/"), device.name);
  if (mknod(path.c_str(), S_IFCHR | 0666, makedev(device.major, device.minor)) != 0 ||
      chmod(path.c_str(), 0666) != 0) {
    return ErrnoStatus(errno, absl::StrCat("device '/dev/", device.name, "'"));
  }
  return absl::OkStatus();
}

// /dev, shared by all tasks and read-only: device nodes work on a read-only mount, but none can be
// added or replaced.
absl::Status MakeDev(const internal::RootTemplate& root) {
  const std::string dev = Staged("/dev");
  if (mkdir(dev.c_str(), 0755) != 0 && errno != EEXIST) return ErrnoStatus(errno, "/dev");
  if (mount("tmpfs", dev.c_str(), "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k") != 0) {
    return ErrnoStatus(errno, "tmpfs on '/dev'");
  }
  for (const Device& device : kDevices) {
    CLOISTER_RETURN_IF_ERROR(root.without_root() ? BindDevice(device.name) : MakeDevice(device));
  }
  for (const auto& link : kDeviceLinks) {
    if (symlink(link[0], absl::StrCat(dev, "/", link[1]).c_str()) != 0) {
      return ErrnoStatus(errno, absl::StrCat("link '/dev/", link[1], "'"));
    }
  }
  for (const char* directory : kDeviceDirectories) {
    if (mkdir(absl::StrCat(dev, "/", directory).c_str(), 0755) != 0) {
      return ErrnoStatus(errno, absl::StrCat("directory '/dev/", directory, "'"));
    }
  }
  if (mkdir(Staged(kTemplateEmptyDirectory).c_str(), 0555) != 0)
    return ErrnoStatus(errno, kTemplateEmptyDirectory);
  CLOISTER_RETURN_IF_ERROR(MakeDevicePlaces(root, kStage));
  // The superblock, not only this mount of it: every task's /dev is a mount of the same one.
  if (mount(nullptr, dev.c_str(), nullptr, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC,
            nullptr) != 0) {
    return ErrnoStatus(errno, "read-only '/dev'");
  }
  return absl::OkStatus();
}

absl::Status HideSysDirectory(const std::string& inside) {
  if (mount("tmpfs", Staged(inside).c_str(), "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
            "size=0,mode=555") != 0) {
    return ErrnoStatus(errno, absl::StrCat("mask of '", inside, "'"));
  }
  return absl::OkStatus();
}

// The node's own, where the user namespace may mount none. With what is mounted in it, which cannot
// be parted from it there, but is hidden: a sysfs of its own would not show it either.
absl::Status CloneSys(const std::vector<std::string>& mount_points) {
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd sys,
                            CloneTree("/sys", AT_RECURSIVE, kLocked | MOUNT_ATTR_NOEXEC));
  CLOISTER_RETURN_IF_ERROR(PlaceTree(sys.get(), Staged("/sys")));
  std::vector<std::string> hidden;
  for (const std::string& point : mount_points) {
    const bool is_hidden = std::any_of(hidden.begin(), hidden.end(), [&](const std::string& above) {
      return IsBeneath(point, above);
    });
    if (is_hidden || !absl::StartsWith(point, "/sys/")) continue;
    CLOISTER_RETURN_IF_ERROR(HideSysDirectory(point));
    hidden.push_back(point);
  }
  return absl::OkStatus();
}

// A sysfs of its own shows no cgroup hierarchies: the host has those mounted over its own.
absl::Status MakeSys(const internal::RootTemplate& root,
                     const std::vector<std::string>& mount_points) {
  const std::string sys = Staged("/sys");
  if (mkdir(sys.c_str(), 0555) != 0 && errno != EEXIST) return ErrnoStatus(errno, "/sys");
  if (root.without_root()) {
    CLOISTER_RETURN_IF_ERROR(CloneSys(mount_points));
  } else if (mount("sysfs", sys.c_str(), "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                   nullptr) != 0) {
    return ErrnoStatus(errno, "sysfs on '/sys'");
  }
  for (const std::string& inside : root.masked_sys_directories()) {
    CLOISTER_RETURN_IF_ERROR(HideSysDirectory(inside));
  }
  return absl::OkStatus();
}

// The stage becomes the root, and the host's root goes: from here on no path of this namespace
// leads to the host.
absl::Status EnterStage() {
  if (chdir(kStage) != 0) return ErrnoStatus(errno, "chdir into the new root");
  // "." twice: the old root ends up under the new one, and is detached from there (pivot_root(2),
  // NOTES).
  if (syscall(SYS_pivot_root, ".", ".") != 0) return ErrnoStatus(errno, "pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return ErrnoStatus(errno, "unmount of the old root");
  if (chdir("/") != 0) return ErrnoStatus(errno, "chdir");
  return absl::OkStatus();
}

absl::Status MakeReadOnly() {
  // The superblock too, not only this mount: it is shared by all tasks, and each could otherwise
  // see another's mistake.
  if (mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) != 0) {
    return ErrnoStatus(errno, "read-only root");
  }
  return absl::OkStatus();
}

// Where the root is an initramfs, which nothing can be pivoted away from: the stage goes over it.
// What lies below can be reached by whoever may chroot(2), so no such task is planned.
absl::Status MoveStage() {
  if (chdir(kStage) != 0) return ErrnoStatus(errno, "chdir into the new root");
  if (mount(".", "/", nullptr, MS_MOVE, nullptr) != 0) {
    return ErrnoStatus(errno, "move of the new root over '/'");
  }
  if (chroot(".") != 0) return ErrnoStatus(errno, "chroot into the new root");
  if (chdir("/") != 0) return ErrnoStatus(errno, "chdir");
  return absl::OkStatus();
}

// All but "/": what stays in the namespace below the new root stays in those of its tasks, and a
// proc or sysfs there would show what MASKS hides.
absl::Status UnmountAll(int mountinfo) {
  constexpr int kRounds = 64;  // As many as may be mounted on one place.
  for (int round = 0; round < kRounds; ++round) {
    CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> points, MountPoints(mountinfo));
    if (points.empty()) return absl::OkStatus();
    for (auto point = points.rbegin(); point != points.rend(); ++point) {
      if (umount2(point->c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
      // Covered by another, or gone with one: the next round tells.
      if (errno == EINVAL || errno == ENOENT) continue;
      return ErrnoStatus(errno, absl::StrCat("unmount of '", *point, "'"));
    }
  }
  return ErrnoStatus(EBUSY, "unmount of what the node has mounted");
}

// Of a root that is made by mount(2) alone: null, and nothing, for any other.
struct Classic {
  std::unique_ptr<ClassicBinder> binder;
  std::vector<OwnedFd> sources;
};

absl::StatusOr<Classic> BeginClassic(const internal::RootTemplate& root, int mountinfo,
                                     const std::vector<ClassicSource>& sources) {
  Classic classic;
  if (!root.classic_mounts()) return classic;
  if (root.without_root() || root.no_pivot_root()) {
    return ErrnoStatus(ENOSYS, "a root without pivot_root, or without root, by mount(2) alone");
  }
  CLOISTER_ASSIGN_OR_RETURN(classic.binder, ClassicBinder::Make(mountinfo));
  for (const ClassicSource& source : sources) {
    CLOISTER_ASSIGN_OR_RETURN(OwnedFd opened, classic.binder->Open(source));
    classic.sources.push_back(std::move(opened));
  }
  return classic;
}

// Before anything is mounted, so that nothing propagates to the host; recursively, as below "/"
// more may be shared. Where binds are made of what is mounted here, and not of trees with a
// propagation of their own, some are to follow the node's mounts.
absl::Status Part(bool classic) {
  const unsigned long propagation = classic ? MS_SLAVE : MS_PRIVATE;
  if (mount(nullptr, "/", nullptr, MS_REC | propagation, nullptr) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "private propagation");
}

absl::Status BuildHere(const internal::RootTemplate& root, const TaskOwner& owner, int mountinfo,
                       const std::vector<ClassicSource>& sources) {
  CLOISTER_RETURN_IF_ERROR(Part(root.classic_mounts()));
  CLOISTER_ASSIGN_OR_RETURN(const Classic classic, BeginClassic(root, mountinfo, sources));
  const ClassicBinder* binder = classic.binder.get();
  absl::StatusOr<std::vector<OwnedFd>> trees = CloneBinds(root);
  if (!trees.ok()) return trees.status();
  absl::StatusOr<std::vector<OwnedFd>> devices = CloneDevices(root);
  if (!devices.ok()) return devices.status();
  std::vector<std::string> mount_points;
  OwnedFd proc;
  if (root.without_root()) {
    CLOISTER_ASSIGN_OR_RETURN(mount_points, MountPoints(mountinfo));
    std::sort(mount_points.begin(), mount_points.end());
    // Before the stage covers it.
    CLOISTER_ASSIGN_OR_RETURN(proc, CloneTree("/proc", AT_RECURSIVE, kLocked | MOUNT_ATTR_NOEXEC));
  }
  if (root.no_pivot_root()) CLOISTER_RETURN_IF_ERROR(UnmountAll(mountinfo));
  if (mount("tmpfs", kStage, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m") != 0) {
    return ErrnoStatus(errno, "tmpfs for the new root");
  }
  CLOISTER_RETURN_IF_ERROR(MakeEntries(root));
  CLOISTER_ASSIGN_OR_RETURN(const std::unique_ptr<OverlayRoot> overlay, BeginOverlay(root, owner));
  if (proc.valid()) CLOISTER_RETURN_IF_ERROR(PlaceTree(proc.get(), Staged("/proc")));
  CLOISTER_RETURN_IF_ERROR(MakeDev(root));
  CLOISTER_RETURN_IF_ERROR(PlaceDevices(root, *devices, kStage, binder));
  CLOISTER_RETURN_IF_ERROR(MakeSys(root, mount_points));
  // After /dev and /sys, so that an entry beneath them lands on ours.
  CLOISTER_RETURN_IF_ERROR(PlaceBinds(root, *trees, overlay.get(), binder));
  if (overlay != nullptr) CLOISTER_RETURN_IF_ERROR(overlay->Hide());
  if (binder != nullptr) {
    CLOISTER_RETURN_IF_ERROR(
        binder->Stage(sources, classic.sources, Staged(kTemplateEmptyDirectory)));
  }
  CLOISTER_RETURN_IF_ERROR(root.no_pivot_root() ? MoveStage() : EnterStage());
  return overlay == nullptr ? MakeReadOnly() : absl::OkStatus();
}

absl::StatusOr<OwnedFd> BuildInThisThread(const internal::RootTemplate& root,
                                          const TaskOwner& owner,
                                          const std::vector<ClassicSource>& sources) {
  if (unshare(CLONE_FS | CLONE_NEWNS) != 0) return ErrnoStatus(errno, "new mount namespace");
  umask(0);
  // Opened while /proc is still there.
  OwnedFd mount_namespace(open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!mount_namespace.valid()) return ErrnoStatus(errno, "/proc/thread-self/ns/mnt");
  OwnedFd mountinfo(open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!mountinfo.valid()) return ErrnoStatus(errno, "/proc/thread-self/mountinfo");
  CLOISTER_RETURN_IF_ERROR(BuildHere(root, owner, mountinfo.get(), sources));
  return mount_namespace;
}

}  // namespace

absl::StatusOr<OwnedFd> BuildMountTemplate(const internal::RootTemplate& root,
                                           const TaskOwner& owner,
                                           const std::vector<ClassicSource>& sources) {
  absl::StatusOr<OwnedFd> result = absl::UnknownError("not built");
  std::thread builder([&] { result = BuildInThisThread(root, owner, sources); });
  builder.join();
  return result;
}

void MountTemplates::DropOldest() {
  auto oldest = templates_.end();
  for (auto it = templates_.begin(); it != templates_.end(); ++it) {
    // Somebody else's launch is about to enter it.
    if (it->second.mount_namespace.use_count() > 1) continue;
    if (oldest == templates_.end() || it->second.last_use < oldest->second.last_use) oldest = it;
  }
  if (oldest != templates_.end()) templates_.erase(oldest);
}

absl::StatusOr<MountTemplates::Template> MountTemplates::Get(const internal::RootTemplate& root) {
  std::string key;
  root.SerializeToString(&key);
  absl::MutexLock lock(&mutex_);
  auto found = templates_.find(key);
  if (found == templates_.end()) {
    absl::StatusOr<OwnedFd> built = BuildMountTemplate(root, {0, 0}, {});
    if (!built.ok()) return built.status();
    if (templates_.size() >= kKept) DropOldest();
    Entry entry = {std::make_shared<const OwnedFd>(*std::move(built)), 0};
    found = templates_.emplace(std::move(key), std::move(entry)).first;
  }
  found->second.last_use = ++uses_;
  return found->second.mount_namespace;
}

}  // namespace launch
}  // namespace cloister
