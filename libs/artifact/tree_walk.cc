#include "libs/artifact/tree_walk.h"

#include <errno.h>
#include <fcntl.h>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/artifact/directory_names.h"
#include "libs/artifact/tree_writer.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

class Walk {
 public:
  Walk(const WalkLimits& limits, TreeVisitor* visitor) : limits_(limits), visitor_(visitor) {}

  absl::Status Directory(int fd) {
    CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> names, Names(fd));
    if (device_ == 0) {
      struct stat facts;
      if (fstat(fd, &facts) != 0) return Failed(errno);
      device_ = facts.st_dev;
    }
    for (const std::string& name : names) {
      path_.push_back(name);
      CLOISTER_RETURN_IF_ERROR(Entry(fd));
      path_.pop_back();
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Failed(int error_number) const {
    return ErrnoStatus(error_number, absl::StrCat("'", ShownPath(path_), "'"));
  }

  // An error that comes of a change, or of a mode.
  bool MayChange(int error_number) const {
    return limits_.changing && (error_number == ENOENT || error_number == ENOTDIR ||
                                error_number == ELOOP || error_number == EACCES);
  }

  absl::StatusOr<std::vector<std::string>> Names(int fd) {
    absl::StatusOr<std::vector<std::string>> names = DirectoryNames(fd, limits_.entries - entries_);
    if (names.ok()) {
      entries_ += names->size();
    } else if (absl::IsResourceExhausted(names.status())) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the tree has more than ", limits_.entries, " entries"));
    } else if (MayChange(ErrnoOf(names.status()))) {
      return std::vector<std::string>();
    } else {
      return Failed(ErrnoOf(names.status()));
    }
    return names;
  }

  absl::Status Entry(int parent) {
    struct stat facts;
    if (fstatat(parent, path_.back().c_str(), &facts, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0)
      return MayChange(errno) ? absl::OkStatus() : Failed(errno);
    if (facts.st_dev != device_) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", ShownPath(path_), "' is on another file system than the tree"));
    }
    const WalkEntry entry{parent, path_, facts};
    CLOISTER_RETURN_IF_ERROR(visitor_->Visit(entry));
    if (!S_ISDIR(facts.st_mode)) return absl::OkStatus();
    if (path_.size() > static_cast<size_t>(limits_.depth)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("'", ShownPath(path_), "' lies more than ", limits_.depth, " levels deep"));
    }
    const absl::StatusOr<OwnedFd> fd =
        OpenBeneath(parent, path_.back(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd.ok() && MayChange(ErrnoOf(fd.status()))) return absl::OkStatus();
    if (!fd.ok()) return Failed(ErrnoOf(fd.status()));
    CLOISTER_RETURN_IF_ERROR(Directory(fd->get()));
    return visitor_->Leave(entry, fd->get());
  }

  const WalkLimits& limits_;
  TreeVisitor* const visitor_;
  std::vector<std::string> path_;
  uint64_t entries_ = 0;
  dev_t device_ = 0;
};

}  // namespace

absl::Status TreeVisitor::Leave(const WalkEntry& /*entry*/, int /*fd*/) { return absl::OkStatus(); }

absl::Status WalkTree(int top, const WalkLimits& limits, TreeVisitor* visitor) {
  // The walk has its own offset in the directory.
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd fd, OpenBeneath(top, ".", O_RDONLY | O_DIRECTORY));
  return Walk(limits, visitor).Directory(fd.get());
}

}  // namespace cloister::artifact
