#include "libs/state/task_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/state/layout.h"
#include "libs/state/tree_removal.h"

namespace cloister::state {
namespace {

// A tenth of a second's work on an ordinary disk.
constexpr size_t kRemovedAtOnce = 4096;

absl::Status CheckId(const std::string& task_id) {
  if (task_id.empty() || task_id.size() > NAME_MAX || task_id[0] == '.' ||
      absl::StrContains(task_id, '/') || std::strlen(task_id.c_str()) != task_id.size()) {
    return absl::InvalidArgumentError(absl::StrCat("task id '", task_id, "': not a plain name"));
  }
  return absl::OkStatus();
}

bool IsThere(int tasks, const std::string& task_id) {
  struct stat facts;
  return fstatat(tasks, task_id.c_str(), &facts, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 ||
         errno != ENOENT;
}

std::string Shown(const std::string& task_id) {
  return absl::StrCat("task directory '", task_id, "'");
}

}  // namespace

absl::StatusOr<OwnedFd> CreateTaskDirectory(int tasks, const std::string& task_id) {
  CLOISTER_RETURN_IF_ERROR(CheckId(task_id));
  const bool made = mkdirat(tasks, task_id.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return ErrnoStatus(errno, Shown(task_id));
  absl::StatusOr<OwnedFd> opened = OpenTaskDirectory(tasks, task_id);
  if (!opened.ok()) {
    // It takes a descriptor to make one, and none to remove it.
    if (made) unlinkat(tasks, task_id.c_str(), AT_REMOVEDIR);
    return opened.status();
  }
  OwnedFd directory = *std::move(opened);
  struct stat facts;
  if (fstat(directory.get(), &facts) != 0) return ErrnoStatus(errno, Shown(task_id));
  if (facts.st_uid != geteuid() || (facts.st_mode & 0077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(Shown(task_id), ": others than user ", geteuid(), " may enter it"));
  }
  return directory;
}

absl::StatusOr<OwnedFd> OpenTaskDirectory(int tasks, const std::string& task_id) {
  CLOISTER_RETURN_IF_ERROR(CheckId(task_id));
  OwnedFd directory(openat(tasks, task_id.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.valid()) return ErrnoStatus(errno, Shown(task_id));
  return directory;
}

absl::StatusOr<std::vector<std::string>> ListTaskDirectories(int tasks) {
  OwnedFd fd(openat(tasks, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "tasks directory");
  DIR* const stream = fdopendir(fd.get());
  if (stream == nullptr) return ErrnoStatus(errno, "tasks directory");
  (void)fd.Release();
  const absl::Cleanup close = [stream] { closedir(stream); };
  std::vector<std::string> ids;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(stream);
    if (entry == nullptr && errno != 0) return ErrnoStatus(errno, "tasks directory");
    if (entry == nullptr) break;
    // Asked for, as not every file system tells the type here; by what takes no descriptor, as a
    // task that is there must not be missing where there are none to be had.
    struct stat facts;
    if (CheckId(entry->d_name).ok() &&
        fstatat(tasks, entry->d_name, &facts, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 &&
        S_ISDIR(facts.st_mode)) {
      ids.emplace_back(entry->d_name);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

absl::StatusOr<Removal> RemoveTaskDirectory(int tasks, const std::string& task_id) {
  CLOISTER_RETURN_IF_ERROR(CheckId(task_id));
  absl::StatusOr<OwnedFd> directory = OpenTaskDirectory(tasks, task_id);
  // Said without a descriptor, where there are none: what is gone needs no other attempt.
  if (!directory.ok() && !IsThere(tasks, task_id)) return Removal::kDone;
  CLOISTER_RETURN_IF_ERROR(directory.status());
  CLOISTER_ASSIGN_OR_RETURN(const Removal removal, RemoveSlice(directory->get(), Shown(task_id),
                                                               kIntentRecord, kRemovedAtOnce));
  if (removal == Removal::kUnfinished) return removal;
  if (unlinkat(directory->get(), kIntentRecord, 0) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, absl::StrCat(Shown(task_id), "/", kIntentRecord));
  }
  if (unlinkat(tasks, task_id.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, Shown(task_id));
  }
  return Removal::kDone;
}

}  // namespace cloister::state
