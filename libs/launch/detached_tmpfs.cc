#include "libs/launch/detached_tmpfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/launch/task_owner.h"

namespace cloister {
namespace launch {
namespace {

constexpr uint64_t kPage = 4096;

using Options = std::vector<std::pair<const char*, std::string>>;

absl::StatusOr<OwnedFd> Make(const Options& options, uint64_t attributes) {
  OwnedFd context(static_cast<int>(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context.valid()) return ErrnoStatus(errno, "fsopen tmpfs");
  for (const auto& [name, value] : options) {
    if (syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, name, value.c_str(), 0) != 0) {
      return ErrnoStatus(errno, absl::StrCat("tmpfs ", name, "=", value));
    }
  }
  if (syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return ErrnoStatus(errno, "tmpfs");
  }
  OwnedFd tree(static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC,
                                        attributes | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)));
  if (!tree.valid()) return ErrnoStatus(errno, "fsmount");
  return tree;
}

absl::Status WriteFile(int directory, const std::string& name, const std::string& content) {
  OwnedFd file(openat(directory, name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444));
  if (!file.valid()) return ErrnoStatus(errno, "open");
  // Whatever our umask is.
  if (fchmod(file.get(), 0444) != 0) return ErrnoStatus(errno, "fchmod");
  const ssize_t size = write(file.get(), content.data(), content.size());
  if (size < 0) return ErrnoStatus(errno, "write");
  if (static_cast<size_t>(size) != content.size()) return ErrnoStatus(ENOSPC, "write");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OwnedFd> MakeTmpfs(const internal::Mount& mount,
                                  const internal::Identity& identity) {
  Options options = {{"size", absl::StrCat(mount.size_bytes())},
                     {"mode", absl::StrFormat("%o", mount.mode())}};
  if (mount.owned()) {
    const TaskOwner owner = OwnerOf(identity);
    options.emplace_back("uid", absl::StrCat(owner.uid));
    options.emplace_back("gid", absl::StrCat(owner.gid));
  }
  return Make(options, (mount.noexec() ? MOUNT_ATTR_NOEXEC : 0) |
                           (mount.read_only() ? MOUNT_ATTR_RDONLY : 0));
}

absl::StatusOr<OwnedFd> MakeGeneratedFiles(const internal::LaunchPlan& plan, int* index) {
  uint64_t bytes = 0;
  for (const internal::GeneratedFile& file : plan.files()) {
    bytes += (file.content().size() / kPage + 1) * kPage;
  }
  CLOISTER_ASSIGN_OR_RETURN(
      OwnedFd tree, Make({{"size", absl::StrCat(bytes)}, {"mode", "755"}}, MOUNT_ATTR_NOEXEC));
  for (int i = 0; i < plan.files_size(); ++i) {
    *index = i;
    CLOISTER_RETURN_IF_ERROR(WriteFile(tree.get(), absl::StrCat(i), plan.files(i).content()));
  }
  mount_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) !=
      0) {
    return ErrnoStatus(errno, "mount_setattr");
  }
  return tree;
}

}  // namespace launch
}  // namespace cloister
