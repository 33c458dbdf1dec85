#include "libs/artifact/tree_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/artifact/entry_path.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

constexpr int kEnter = O_PATH | O_DIRECTORY | O_NOFOLLOW;

// All, where it cannot be found out: then every mode is set.
mode_t ModeBitsTaken(int top) {
  const OwnedFd probe(openat(top, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0777));
  struct stat facts;
  if (!probe.valid() || fstat(probe.get(), &facts) != 0) return 0777;
  return 0777 & ~facts.st_mode;
}

absl::Status Failed(int error_number, const EntryPath& path, absl::string_view what = "") {
  return ErrnoStatus(error_number, absl::StrCat("entry '", ShownPath(path), "'", what));
}

absl::Status SetTime(int fd, const char* name, const absl::optional<timespec>& mtime,
                     const EntryPath& path) {
  if (!mtime) return absl::OkStatus();
  const timespec times[2] = {{0, UTIME_OMIT}, *mtime};
  const int result =
      name == nullptr ? futimens(fd, times) : utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW);
  // A time that the file system cannot hold is not worth a failure.
  if (result != 0 && errno != EINVAL && errno != EOVERFLOW) return Failed(errno, path);
  return absl::OkStatus();
}

}  // namespace

std::string ShownPath(const EntryPath& path) {
  return ShownPath(absl::string_view(absl::StrJoin(path, "/")));
}

TreeWriter::TreeWriter(int top, absl::optional<TreeOwner> owner, mode_t implied)
    : top_(top), owner_(owner), implied_(implied), taken_(ModeBitsTaken(top)) {}

absl::StatusOr<int> TreeWriter::OpenParent(const EntryPath& path) {
  const size_t depth = path.size() - 1;
  size_t same = 0;
  while (same < stack_.size() && same < depth && stack_[same].name == path[same]) ++same;
  stack_.resize(same);
  while (stack_.size() < depth) {
    const size_t index = stack_.size();
    CLOISTER_ASSIGN_OR_RETURN(OwnedFd fd, EnterOrMake(TopOfStack(), path, index));
    stack_.push_back({path[index], std::move(fd)});
  }
  return TopOfStack();
}

absl::StatusOr<OwnedFd> TreeWriter::EnterOrMake(int parent, const EntryPath& path, size_t index) {
  const std::string& name = path[index];
  absl::StatusOr<OwnedFd> fd = OpenBeneath(parent, name, kEnter);
  if (!fd.ok() && ErrnoOf(fd.status()) == ENOENT) {
    const EntryPath made(path.begin(), path.begin() + static_cast<ptrdiff_t>(index) + 1);
    if (mkdirat(parent, name.c_str(), 0700) != 0) return Failed(errno, made);
    directories_.emplace(made, EntryFacts{implied_, absl::nullopt});
    fd = OpenBeneath(parent, name, kEnter);
  }
  if (fd.ok()) return fd;
  const int error_number = ErrnoOf(fd.status());
  if (error_number == ELOOP || error_number == ENOTDIR) {
    return absl::InvalidArgumentError(absl::StrCat(
        "entry '", ShownPath(path), "' lies below '", ShownPath(absl::string_view(name)),
        "', which is no directory but a link or a file"));
  }
  return Failed(error_number, path);
}

absl::Status TreeWriter::RemoveOld(int parent, const EntryPath& path) {
  if (unlinkat(parent, path.back().c_str(), 0) == 0) return absl::OkStatus();
  if (errno != EISDIR && errno != EPERM) return Failed(errno, path);
  return absl::InvalidArgumentError(
      absl::StrCat("entry '", ShownPath(path), "' is there already, as a directory"));
}

absl::Status TreeWriter::MakeDirectory(const EntryPath& path, const EntryFacts& facts) {
  CLOISTER_ASSIGN_OR_RETURN(const int parent, OpenParent(path));
  if (mkdirat(parent, path.back().c_str(), 0700) != 0) {
    if (errno != EEXIST) return Failed(errno, path);
    const absl::StatusOr<OwnedFd> old = OpenBeneath(parent, path.back(), kEnter);
    if (!old.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "entry '", ShownPath(path), "' is a directory, and there already as something else"));
    }
  }
  directories_[path] = facts;
  return absl::OkStatus();
}

absl::Status TreeWriter::MakeSymlink(const EntryPath& path, const std::string& target,
                                     const absl::optional<timespec>& mtime) {
  CLOISTER_ASSIGN_OR_RETURN(const int parent, OpenParent(path));
  const char* name = path.back().c_str();
  if (symlinkat(target.c_str(), parent, name) != 0) {
    if (errno != EEXIST) return Failed(errno, path);
    CLOISTER_RETURN_IF_ERROR(RemoveOld(parent, path));
    if (symlinkat(target.c_str(), parent, name) != 0) return Failed(errno, path);
  }
  if (owner_ && fchownat(parent, name, owner_->uid, owner_->gid, AT_SYMLINK_NOFOLLOW) != 0)
    return Failed(errno, path, ": its owner");
  return SetTime(parent, name, mtime, path);
}

absl::StatusOr<uint64_t> TreeWriter::MakeHardLink(const EntryPath& path, const EntryPath& target) {
  // Looked up by itself: one of the two parents would make the other invalid.
  OwnedFd directory;
  int target_parent = top_;
  if (target.size() > 1) {
    const std::string way = absl::StrJoin(target.begin(), target.end() - 1, "/");
    absl::StatusOr<OwnedFd> opened = OpenBeneath(top_, way, kEnter);
    if (!opened.ok())
      return Failed(ErrnoOf(opened.status()), path, ": the target of the hard link");
    directory = *std::move(opened);
    target_parent = directory.get();
  }
  const char* target_name = target.back().c_str();
  struct stat facts;
  if (fstatat(target_parent, target_name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
    return Failed(errno, path, absl::StrCat(": the target '", ShownPath(target), "'"));
  // A link to a symbolic link would give that another place to start from.
  if (!S_ISREG(facts.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat("entry '", ShownPath(path),
                                                   "' is a hard link to '", ShownPath(target),
                                                   "', which is no regular file"));
  }
  if (path == target) return static_cast<uint64_t>(facts.st_size);
  CLOISTER_ASSIGN_OR_RETURN(const int parent, OpenParent(path));
  const char* name = path.back().c_str();
  if (linkat(target_parent, target_name, parent, name, 0) != 0) {
    if (errno != EEXIST) return Failed(errno, path);
    CLOISTER_RETURN_IF_ERROR(RemoveOld(parent, path));
    if (linkat(target_parent, target_name, parent, name, 0) != 0) return Failed(errno, path);
  }
  return static_cast<uint64_t>(facts.st_size);
}

absl::StatusOr<OwnedFd> TreeWriter::CreateFile(const EntryPath& path, const EntryFacts& facts) {
  constexpr int kCreate = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  CLOISTER_ASSIGN_OR_RETURN(const int parent, OpenParent(path));
  // Owned by somebody else soon: nobody else's until then.
  const mode_t mode = owner_ ? facts.mode & 0700 : facts.mode;
  absl::StatusOr<OwnedFd> fd = OpenBeneath(parent, path.back(), kCreate, mode);
  if (!fd.ok() && ErrnoOf(fd.status()) == EEXIST) {
    CLOISTER_RETURN_IF_ERROR(RemoveOld(parent, path));
    fd = OpenBeneath(parent, path.back(), kCreate, mode);
  }
  if (!fd.ok()) return Failed(ErrnoOf(fd.status()), path);
  return fd;
}

absl::Status TreeWriter::FinishFile(const EntryPath& path, int fd, const EntryFacts& facts) {
  CLOISTER_RETURN_IF_ERROR(Own(fd, path));
  const bool as_made = !owner_ && (facts.mode & taken_) == 0;
  if (!as_made && fchmod(fd, facts.mode) != 0) return Failed(errno, path, ": its mode");
  return SetTime(fd, nullptr, facts.mtime, path);
}

absl::Status TreeWriter::Own(int fd, const EntryPath& path) const {
  if (owner_ && fchown(fd, owner_->uid, owner_->gid) != 0)
    return Failed(errno, path, ": its owner");
  return absl::OkStatus();
}

absl::Status TreeWriter::Finish() {
  stack_.clear();
  // From below: the mode of a directory may take the way to what lies in it.
  for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) {
    const auto& [path, facts] = *it;
    const absl::StatusOr<OwnedFd> fd =
        OpenBeneath(top_, absl::StrJoin(path, "/"), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd.ok()) return Failed(ErrnoOf(fd.status()), path);
    CLOISTER_RETURN_IF_ERROR(Own(fd->get(), path));
    if (fchmod(fd->get(), facts.mode) != 0) return Failed(errno, path, ": its mode");
    CLOISTER_RETURN_IF_ERROR(SetTime(fd->get(), nullptr, facts.mtime, path));
  }
  return absl::OkStatus();
}

}  // namespace cloister::artifact
