#include "libs/artifact/adopt_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/artifact/entry_path.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

absl::Status Refused(const EntryPath& path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("'", ShownPath(path), "' ", why));
}

class Adoption final : public TreeVisitor {
 public:
  explicit Adoption(const AdoptOptions& options) : options_(options) {}

  absl::Status Visit(const WalkEntry& entry) override {
    const mode_t type = entry.facts.st_mode & S_IFMT;
    if (type == S_IFDIR) {
      ++facts_.directories;
      // What it holds is to be read, whatever its mode.
      if ((entry.facts.st_mode & 0500) != 0500) return MakeReadable(entry, 0700);
      return absl::OkStatus();
    }
    if (type == S_IFREG) return VisitFile(entry);
    if (type == S_IFLNK) return VisitLink(entry);
    return Refused(entry.path, "is a device, a FIFO or a socket");
  }

  absl::Status Leave(const WalkEntry& entry, int fd) override {
    return Normalise(fd, entry.facts.st_mode | 0500, entry.path);
  }

  // Owner first: chown(2) clears set-id bits and file capabilities.
  absl::Status Normalise(int fd, mode_t mode, const EntryPath& path) const {
    if (options_.owner && fchown(fd, options_.owner->uid, options_.owner->gid) != 0)
      return Failed(path);
    CLOISTER_RETURN_IF_ERROR(RemoveAttributes(fd, path));
    if (fchmod(fd, mode & 0777 & ~options_.umask) != 0) return Failed(path);
    return absl::OkStatus();
  }

  absl::StatusOr<TreeFacts> Finish() const {
    for (const auto& [inode, names] : names_) {
      if (names.seen != names.known) return Refused(names.path, "has a name outside the tree");
    }
    return facts_;
  }

 private:
  // Names of a file that has several.
  struct Names {
    EntryPath path;
    uint64_t known = 0;
    uint64_t seen = 0;
  };

  static absl::Status Failed(const EntryPath& path) {
    return ErrnoStatus(errno, absl::StrCat("'", ShownPath(path), "'"));
  }

  // By name: its type is known, and nobody else is there to change it.
  static absl::Status MakeReadable(const WalkEntry& entry, mode_t mode) {
    if (fchmodat(entry.parent, entry.name(), mode, 0) != 0) return Failed(entry.path);
    return absl::OkStatus();
  }

  absl::Status VisitFile(const WalkEntry& entry) {
    ++facts_.files;
    if (entry.facts.st_nlink > 1) {
      Names& names = names_[entry.facts.st_ino];
      names.path = entry.path;
      names.known = entry.facts.st_nlink;
      if (++names.seen > 1) return absl::OkStatus();
    }
    facts_.bytes += static_cast<uint64_t>(entry.facts.st_size);
    if ((entry.facts.st_mode & 0400) == 0) CLOISTER_RETURN_IF_ERROR(MakeReadable(entry, 0600));
    const absl::StatusOr<OwnedFd> fd =
        OpenBeneath(entry.parent, entry.name(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!fd.ok()) {
      errno = ErrnoOf(fd.status());
      return Failed(entry.path);
    }
    return Normalise(fd->get(), entry.facts.st_mode | 0400, entry.path);
  }

  absl::Status VisitLink(const WalkEntry& entry) {
    ++facts_.links;
    char target[PATH_MAX];
    const ssize_t size = readlinkat(entry.parent, entry.name(), target, sizeof(target));
    if (size < 0) return Failed(entry.path);
    const absl::Status status =
        CheckLinkTarget(absl::string_view(target, static_cast<size_t>(size)), entry.depth());
    if (!status.ok()) return Refused(entry.path, absl::StrCat("is refused: ", status.message()));
    // Nothing else reaches a link that has several names.
    if (entry.facts.st_nlink > 1) return Refused(entry.path, "is a link with several names");
    if (options_.owner && fchownat(entry.parent, entry.name(), options_.owner->uid,
                                   options_.owner->gid, AT_SYMLINK_NOFOLLOW) != 0)
      return Failed(entry.path);
    return absl::OkStatus();
  }

  static absl::Status RemoveAttributes(int fd, const EntryPath& path) {
    // Few files have any: the call without room says so.
    ssize_t size = flistxattr(fd, nullptr, 0);
    if (size == 0 || (size < 0 && errno == ENOTSUP)) return absl::OkStatus();
    std::string names(XATTR_LIST_MAX, '\0');
    size = flistxattr(fd, names.data(), names.size());
    if (size < 0) return Failed(path);
    for (const char* name = names.data(); name < names.data() + size;
         name += std::strlen(name) + 1) {
      // What a security module keeps (security.selinux) cannot be removed, and is not the cell's.
      if (fremovexattr(fd, name) != 0 && std::strcmp(name, "security.selinux") != 0 &&
          errno != ENODATA)
        return Failed(path);
    }
    return absl::OkStatus();
  }

  const AdoptOptions& options_;
  TreeFacts facts_;
  std::map<ino_t, Names> names_;
};

}  // namespace

absl::StatusOr<TreeFacts> AdoptTree(int top, const AdoptOptions& options) {
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd fd, OpenBeneath(top, ".", O_RDONLY | O_DIRECTORY));
  Adoption adoption(options);
  CLOISTER_RETURN_IF_ERROR(WalkTree(top, options.limits, &adoption));
  struct stat facts;
  if (fstat(fd.get(), &facts) != 0) return ErrnoStatus(errno, "the tree");
  CLOISTER_RETURN_IF_ERROR(adoption.Normalise(fd.get(), facts.st_mode | 0500, {"."}));
  return adoption.Finish();
}

}  // namespace cloister::artifact
