#include "libs/artifact/merge_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/artifact/directory_names.h"
#include "libs/artifact/tree_writer.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

constexpr int kReadDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

class Merge {
 public:
  explicit Merge(bool move) : move_(move) {}

  absl::Status Directory(int staged, int destination) {
    CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> names, DirectoryNames(staged));
    for (const std::string& name : names) {
      path_.push_back(name);
      CLOISTER_RETURN_IF_ERROR(Entry(staged, destination));
      path_.pop_back();
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Failed(int error_number) const {
    return ErrnoStatus(error_number, absl::StrCat("'", ShownPath(path_), "' at the destination"));
  }

  absl::Status Entry(int staged, int destination) {
    const char* name = path_.back().c_str();
    struct stat ours;
    struct stat theirs;
    if (fstatat(staged, name, &ours, AT_SYMLINK_NOFOLLOW) != 0) return Failed(errno);
    const bool exists = fstatat(destination, name, &theirs, AT_SYMLINK_NOFOLLOW) == 0;
    if (!exists && errno != ENOENT) return Failed(errno);
    const bool is_directory = S_ISDIR(ours.st_mode);
    if (exists && S_ISDIR(theirs.st_mode) != is_directory) {
      return absl::FailedPreconditionError(absl::StrCat(
          "'", ShownPath(path_), "' is ", is_directory ? "a directory" : "no directory",
          ", and what has that name at the destination is ", is_directory ? "none" : "one"));
    }
    if (exists && is_directory) return Both(staged, destination);
    return move_ ? Move(staged, destination, ours.st_mode) : absl::OkStatus();
  }

  absl::Status Both(int staged, int destination) {
    const absl::StatusOr<OwnedFd> ours = OpenBeneath(staged, path_.back(), kReadDirectory);
    if (!ours.ok()) return Failed(ErrnoOf(ours.status()));
    const absl::StatusOr<OwnedFd> theirs = OpenBeneath(destination, path_.back(), kReadDirectory);
    if (!theirs.ok()) return Failed(ErrnoOf(theirs.status()));
    // Of ours only the content is wanted: one that could not be taken from may not be written to.
    if (move_ && fchmod(ours->get(), 0700) != 0) return Failed(errno);
    return Directory(ours->get(), theirs->get());
  }

  absl::Status Move(int staged, int destination, mode_t mode) const {
    const char* name = path_.back().c_str();
    // Whoever is not root may move a directory to another one only if it may be written to.
    const bool locked = S_ISDIR(mode) && (mode & 0200) == 0;
    if (locked && fchmodat(staged, name, (mode & 0777) | 0200, 0) != 0) return Failed(errno);
    if (renameat(staged, name, destination, name) != 0) return Failed(errno);
    if (locked && fchmodat(destination, name, mode & 0777, 0) != 0) return Failed(errno);
    return absl::OkStatus();
  }

  const bool move_;
  EntryPath path_;
};

}  // namespace

absl::Status MergeTree(int staged, int destination) {
  CLOISTER_RETURN_IF_ERROR(Merge(/*move=*/false).Directory(staged, destination));
  return Merge(/*move=*/true).Directory(staged, destination);
}

}  // namespace cloister::artifact
