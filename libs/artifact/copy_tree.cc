#include "libs/artifact/copy_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/artifact/directory_names.h"
#include "libs/artifact/entry_path.h"
#include "libs/artifact/file_content.h"
#include "libs/artifact/merge_tree.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/random_id.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"
#include "libs/state/tree_removal.h"

namespace cloister::artifact {
namespace {

constexpr int kReadDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
constexpr int kReadFile = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

// Writes what it visits to a TreeWriter.
class Copying final : public TreeVisitor {
 public:
  Copying(TreeWriter* writer, const std::function<absl::Status()>& check)
      : writer_(writer), check_(check) {}

  absl::Status Visit(const WalkEntry& entry) override {
    if (check_ != nullptr) CLOISTER_RETURN_IF_ERROR(check_());
    const EntryFacts facts{entry.facts.st_mode & 0777, entry.facts.st_mtim};
    switch (entry.facts.st_mode & S_IFMT) {
      case S_IFDIR:
        return writer_->MakeDirectory(entry.path, facts);
      case S_IFLNK:
        return CopyLink(entry, facts);
      case S_IFREG:
        return CopyRegular(entry, facts);
      default:
        return absl::InvalidArgumentError(
            absl::StrCat("'", ShownPath(entry.path), "' is a special file"));
    }
  }

 private:
  absl::Status CopyLink(const WalkEntry& entry, const EntryFacts& facts) {
    char target[PATH_MAX];
    const ssize_t size = readlinkat(entry.parent, entry.name(), target, sizeof(target));
    if (size < 0) return ErrnoStatus(errno, absl::StrCat("'", ShownPath(entry.path), "'"));
    return writer_->MakeSymlink(entry.path, std::string(target, static_cast<size_t>(size)),
                                facts.mtime);
  }

  absl::Status CopyRegular(const WalkEntry& entry, const EntryFacts& facts) {
    if (entry.facts.st_nlink > 1) {
      const auto [first, is_new] = names_.emplace(entry.facts.st_ino, entry.path);
      if (!is_new) return writer_->MakeHardLink(entry.path, first->second).status();
    }
    CLOISTER_ASSIGN_OR_RETURN(const OwnedFd source,
                              OpenBeneath(entry.parent, entry.name(), kReadFile));
    CLOISTER_ASSIGN_OR_RETURN(const OwnedFd target, writer_->CreateFile(entry.path, facts));
    CLOISTER_RETURN_IF_ERROR(
        CopyContent(source.get(), target.get(), ShownPath(entry.path), check_));
    return writer_->FinishFile(entry.path, target.get(), facts);
  }

  TreeWriter* const writer_;
  const std::function<absl::Status()>& check_;
  // Of files with several names, the first.
  std::map<ino_t, EntryPath> names_;
};

// The place of an artifact: the open directory that it lies in, and its name there.
struct Place {
  OwnedFd parent;
  // Empty: the directory itself.
  std::string name;
};

absl::StatusOr<Place> OpenPlace(int root, absl::string_view destination,
                                const CopyOptions& options) {
  UnpackLimits limits;
  EntryPath path;
  if (!destination.empty()) {
    CLOISTER_ASSIGN_OR_RETURN(path, ParseEntryPath(destination, 0, limits));
  }
  Place place;
  CLOISTER_ASSIGN_OR_RETURN(place.parent, OpenBeneath(root, ".", kReadDirectory));
  if (path.empty()) return place;
  place.name = path.back();
  path.pop_back();
  const TreeOwner owner = options.owner ? *options.owner : TreeOwner{geteuid(), getegid()};
  for (const std::string& name : path) {
    absl::StatusOr<OwnedFd> next = OpenBeneath(place.parent.get(), name, kReadDirectory);
    if (!next.ok() && ErrnoOf(next.status()) == ENOENT) {
      next = MakeDirectory(place.parent.get(), name, options.directory_mode, owner.uid, owner.gid);
    }
    if (!next.ok()) {
      return ErrnoStatus(ErrnoOf(next.status()),
                         absl::StrCat("destination '", ShownPath(destination), "'"));
    }
    place.parent = *std::move(next);
  }
  return place;
}

void Remove(int parent, const std::string& name) {
  if (unlinkat(parent, name.c_str(), 0) == 0) return;
  if (const absl::StatusOr<OwnedFd> fd = OpenBeneath(parent, name, kReadDirectory); fd.ok())
    (void)state::RemoveContents(fd->get(), name, "");
  unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

// What a killed copy left.
void RemoveLeftovers(int parent) {
  const auto names = DirectoryNames(parent);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (absl::StartsWith(name, kStagingPrefix)) Remove(parent, name);
  }
}

absl::Status Occupied(const std::string& name, absl::string_view by) {
  return absl::FailedPreconditionError(
      absl::StrCat("the destination '", ShownPath(name), "' is there already, as ", by));
}

// Onto the name where nothing has it, else into the directory that has it.
absl::Status MoveToPlace(const Place& place, const std::string& staging, int staged) {
  const int parent = place.parent.get();
  if (place.name.empty()) return MergeTree(staged, parent);
  if (renameat2(parent, staging.c_str(), parent, place.name.c_str(), RENAME_NOREPLACE) == 0)
    return absl::OkStatus();
  if (errno != EEXIST)
    return ErrnoStatus(errno, absl::StrCat("destination '", ShownPath(place.name), "'"));
  const absl::StatusOr<OwnedFd> there = OpenBeneath(parent, place.name, kReadDirectory);
  if (!there.ok()) return Occupied(place.name, "something else than a directory");
  return MergeTree(staged, there->get());
}

}  // namespace

absl::Status CopyTree(int source, int root, absl::string_view destination,
                      const CopyOptions& options) {
  CLOISTER_ASSIGN_OR_RETURN(const Place place, OpenPlace(root, destination, options));
  const int parent = place.parent.get();
  RemoveLeftovers(parent);
  const std::string staging = absl::StrCat(kStagingPrefix, RandomId());
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd staged, MakeDirectory(parent, staging, 0700, 0, 0));
  const absl::Cleanup remove = [&] { Remove(parent, staging); };
  TreeWriter writer(staged.get(), options.owner, 0755);
  Copying copying(&writer, options.check);
  CLOISTER_RETURN_IF_ERROR(WalkTree(source, options.limits, &copying));
  CLOISTER_RETURN_IF_ERROR(writer.Finish());
  struct stat facts;
  if (fstat(source, &facts) != 0) return ErrnoStatus(errno, "the tree");
  if (options.owner && fchown(staged.get(), options.owner->uid, options.owner->gid) != 0)
    return ErrnoStatus(errno, "the copy's owner");
  // Writable to its owner until it is in its place; the mode that counts comes with it.
  if (fchmod(staged.get(), (facts.st_mode & 0777) | 0700) != 0)
    return ErrnoStatus(errno, "the copy's mode");
  return MoveToPlace(place, staging, staged.get());
}

absl::Status CopyFile(int source, int root, absl::string_view destination,
                      const CopyOptions& options) {
  struct stat facts;
  if (fstat(source, &facts) != 0) return ErrnoStatus(errno, "the file");
  if (!S_ISREG(facts.st_mode)) return absl::InvalidArgumentError("it is no regular file");
  CLOISTER_ASSIGN_OR_RETURN(const Place place, OpenPlace(root, destination, options));
  if (place.name.empty()) return Occupied(".", "a directory");
  const int parent = place.parent.get();
  RemoveLeftovers(parent);
  struct stat there;
  if (fstatat(parent, place.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR(there.st_mode))
    return Occupied(place.name, "a directory");
  const std::string staging = absl::StrCat(kStagingPrefix, RandomId());
  const absl::Cleanup remove = [&] { unlinkat(parent, staging.c_str(), 0); };
  TreeWriter writer(parent, options.owner, 0755);
  const EntryFacts wanted{facts.st_mode & 0777, facts.st_mtim};
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd target, writer.CreateFile({staging}, wanted));
  CLOISTER_RETURN_IF_ERROR(
      CopyContent(source, target.get(), ShownPath(destination), options.check));
  CLOISTER_RETURN_IF_ERROR(writer.FinishFile({staging}, target.get(), wanted));
  if (renameat(parent, staging.c_str(), parent, place.name.c_str()) != 0)
    return ErrnoStatus(errno, absl::StrCat("destination '", ShownPath(destination), "'"));
  return absl::OkStatus();
}

}  // namespace cloister::artifact
