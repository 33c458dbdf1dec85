#include "libs/state/tree_removal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"

namespace cloister::state {
namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const { closedir(stream); }
};

// One open directory on the way down.
struct Level {
  std::unique_ptr<DIR, CloseDirectory> stream;
  // Its name in the level above; empty at the top.
  std::string name;
  // Something went from it, or moved, since it was last read from its beginning.
  bool changed = false;
  bool failed = false;

  int fd() const { return dirfd(stream.get()); }
};

class TreeRemoval {
 public:
  TreeRemoval(int top, absl::string_view shown, absl::string_view kept, size_t entries)
      : top_(top), shown_(shown), kept_(kept), left_(entries) {}

  absl::StatusOr<Removal> Run() {
    CLOISTER_RETURN_IF_ERROR(Descend(top_, "."));
    while (!levels_.empty()) {
      if (left_ == 0) return Removal::kUnfinished;
      Step();
    }
    if (!failure_.ok()) return failure_;
    return Removal::kDone;
  }

 private:
  // Takes the next entry of the deepest open level, or closes that level.
  void Step() {
    errno = 0;
    const dirent* entry = readdir(levels_.back().stream.get());
    if (entry == nullptr) {
      if (errno != 0) Fail(errno, "");
      Ascend();
      return;
    }
    const absl::string_view name = entry->d_name;
    if (name == "." || name == ".." || (levels_.size() == 1 && name == kept_)) return;
    RemoveEntry(std::string(name), entry->d_type == DT_DIR);
  }

  void RemoveEntry(const std::string& name, bool looks_like_directory) {
    const int parent = levels_.back().fd();
    int error_number = 0;
    // The type is a hint; the kernel says if it was wrong.
    bool is_directory = looks_like_directory;
    if (!is_directory) {
      if (unlinkat(parent, name.c_str(), 0) == 0) return NoteChange();
      error_number = errno;
      is_directory = error_number == EISDIR;
    }
    if (is_directory) {
      if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return NoteChange();
      error_number = errno;
      if (error_number == ENOTEMPTY || error_number == EEXIST) return EnterDirectory(name);
    }
    if (error_number != ENOENT) Fail(error_number, name);
  }

  void EnterDirectory(const std::string& name) {
    if (levels_.size() >= static_cast<size_t>(kMaxOpenLevels)) return MoveUp(name);
    const int parent = levels_.back().fd();
    absl::Status status = Descend(parent, name);
    // A mount, also one of the same file system, is where RESOLVE_NO_XDEV stops.
    if (!status.ok()) Fail(ErrnoOf(status) == EXDEV ? EBUSY : ErrnoOf(status), name);
  }

  // Below the top its depth starts anew. Not over what an earlier, broken-off removal moved there.
  void MoveUp(const std::string& name) {
    const int parent = levels_.back().fd();
    while (true) {
      const std::string place = absl::StrCat(".deep-", next_place_++);
      if (renameat2(parent, name.c_str(), top_, place.c_str(), RENAME_NOREPLACE) == 0) {
        return NoteChange();
      }
      if (errno != EEXIST) return Fail(errno, name);
    }
  }

  absl::Status Descend(int parent, const std::string& name) {
    open_how how;
    std::memset(&how, 0, sizeof(how));
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    OwnedFd fd(static_cast<int>(syscall(SYS_openat2, parent, name.c_str(), &how, sizeof(how))));
    if (!fd.valid()) return ErrnoStatus(errno, shown_);
    DIR* const stream = fdopendir(fd.get());
    if (stream == nullptr) return ErrnoStatus(errno, shown_);
    (void)fd.Release();
    levels_.push_back({std::unique_ptr<DIR, CloseDirectory>(stream), levels_.empty() ? "" : name});
    return absl::OkStatus();
  }

  // The deepest level has been read to its end.
  void Ascend() {
    Level& level = levels_.back();
    if (levels_.size() == 1) return PassOverTopAgain();
    const int parent = levels_[levels_.size() - 2].fd();
    if (unlinkat(parent, level.name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
      levels_.pop_back();
      return NoteChange();
    }
    // A file system may skip entries while others are removed: read it once more, as long as that
    // helps.
    if (errno == ENOTEMPTY && level.changed && !level.failed) {
      level.changed = false;
      rewinddir(level.stream.get());
      return;
    }
    const int error_number = errno;
    const bool told = level.failed;
    const std::string name = level.name;
    levels_.pop_back();
    levels_.back().failed = true;
    if (!told) Fail(error_number, name);
  }

  // Until a pass finds nothing to do: what was moved up appears there.
  void PassOverTopAgain() {
    if (!std::exchange(changed_, false)) return levels_.pop_back();
    failure_ = absl::OkStatus();
    rewinddir(levels_.back().stream.get());
  }

  void NoteChange() {
    if (left_ > 0) --left_;
    changed_ = true;
    levels_.back().changed = true;
  }

  // Of entry `name` in the deepest level, or of that level itself.
  void Fail(int error_number, const std::string& name) {
    levels_.back().failed = true;
    if (!failure_.ok()) return;
    std::string path(shown_);
    for (const Level& level : levels_) {
      if (!level.name.empty()) absl::StrAppend(&path, "/", level.name);
    }
    if (!name.empty()) absl::StrAppend(&path, "/", name);
    failure_ = ErrnoStatus(error_number, absl::StrCat(path, Advice(error_number, name)));
  }

  std::string Advice(int error_number, const std::string& name) const {
    if (error_number == EBUSY) return " (a mount point: umount it)";
    if (error_number != EPERM) return "";
    if (IsProtected(name)) return " (immutable or append-only: chattr -ia it)";
    if (IsProtected("")) return " (its directory is immutable or append-only: chattr -ia that)";
    return "";
  }

  bool IsProtected(const std::string& name) const {
    struct statx facts;
    const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
    return statx(levels_.back().fd(), name.c_str(), flags, STATX_TYPE, &facts) == 0 &&
           (facts.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0;
  }

  const int top_;
  const absl::string_view shown_;
  const absl::string_view kept_;
  std::vector<Level> levels_;
  // Entries that this slice may still remove.
  size_t left_;
  uint64_t next_place_ = 1;
  bool changed_ = false;
  absl::Status failure_;
};

}  // namespace

absl::Status RemoveContents(int directory, absl::string_view shown, absl::string_view kept) {
  return TreeRemoval(directory, shown, kept, std::numeric_limits<size_t>::max()).Run().status();
}

absl::StatusOr<Removal> RemoveSlice(int directory, absl::string_view shown, absl::string_view kept,
                                    size_t entries) {
  return TreeRemoval(directory, shown, kept, entries).Run();
}

}  // namespace cloister::state
