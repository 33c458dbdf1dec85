#include "tests/bench/private_mounts.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"

namespace cloister::bench {
namespace {

constexpr char kUnified[] = "/sys/fs/cgroup/unified";

}  // namespace

absl::Status EnterPrivateMounts() {
  if (unshare(CLONE_NEWNS) != 0) return ErrnoStatus(errno, "new mount namespace");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return ErrnoStatus(errno, "private propagation");
  }
  return absl::OkStatus();
}

absl::StatusOr<ExtraMounts> ExtraMounts::Make(const std::string& directory, int count) {
  if (count == 0) return ExtraMounts("");
  if (mkdir(directory.c_str(), 0755) != 0) return ErrnoStatus(errno, directory);
  // One tmpfs with all the others in it: no inodes on the disk, and one unmount removes them.
  if (mount("tmpfs", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0) {
    return ErrnoStatus(errno, absl::StrCat("tmpfs on '", directory, "'"));
  }
  ExtraMounts mounts(directory);
  for (int i = 1; i < count; ++i) {
    const std::string point = absl::StrCat(directory, "/", i);
    if (mkdir(point.c_str(), 0755) != 0) return ErrnoStatus(errno, point);
    if (mount("tmpfs", point.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,mode=755") != 0) {
      return ErrnoStatus(errno, absl::StrCat("tmpfs on '", point, "'"));
    }
  }
  return mounts;
}

ExtraMounts::~ExtraMounts() {
  if (directory_.empty()) return;
  // What fails here is seen by the check for leftovers.
  umount2(directory_.c_str(), MNT_DETACH);
  rmdir(directory_.c_str());
}

ExtraMounts::ExtraMounts(ExtraMounts&& other) noexcept
    : directory_(std::exchange(other.directory_, "")) {}

absl::StatusOr<UnifiedHierarchyElsewhere> UnifiedHierarchyElsewhere::Make(
    const std::string& directory) {
  std::string controllers;
  std::getline(std::ifstream(absl::StrCat(kUnified, "/cgroup.controllers")), controllers);
  if (controllers.empty()) return UnifiedHierarchyElsewhere("");
  if (mkdir(directory.c_str(), 0755) != 0) return ErrnoStatus(errno, directory);
  if (mount(kUnified, directory.c_str(), nullptr, MS_MOVE, nullptr) != 0) {
    return ErrnoStatus(errno, absl::StrCat("move of '", kUnified, "' to '", directory, "'"));
  }
  return UnifiedHierarchyElsewhere(directory);
}

UnifiedHierarchyElsewhere::~UnifiedHierarchyElsewhere() {
  if (directory_.empty()) return;
  // What fails here is seen by the check for leftovers.
  mount(directory_.c_str(), kUnified, nullptr, MS_MOVE, nullptr);
  rmdir(directory_.c_str());
}

UnifiedHierarchyElsewhere::UnifiedHierarchyElsewhere(UnifiedHierarchyElsewhere&& other) noexcept
    : directory_(std::exchange(other.directory_, "")) {}

}  // namespace cloister::bench
