#include "libs/artifact/fetch_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/artifact/directory_names.h"
#include "libs/artifact/raw_file.h"
#include "libs/artifact/subdirectory.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"
#include "libs/state/tree_removal.h"

namespace cloister::artifact {
namespace {

constexpr char kTree[] = "tree";
constexpr char kContent[] = "content";

absl::StatusOr<OwnedFd> MakeContent(int output_dirfd) {
  if (mkdirat(output_dirfd, kContent, 0755) != 0) return ErrnoStatus(errno, kContent);
  OwnedFd content;
  CLOISTER_ASSIGN_OR_RETURN(content, OpenBeneath(output_dirfd, kContent, O_RDONLY | O_DIRECTORY));
  // Whatever the umask.
  if (fchmod(content.get(), 0755) != 0) return ErrnoStatus(errno, kContent);
  return content;
}

// A directory that is moved changes its "..": to its owner that takes the right to write to it.
absl::Status MoveDirectory(int parent, const std::string& name, const SelectedEntry& selected,
                           int output_dirfd) {
  struct stat facts;
  if (fstat(selected.fd.get(), &facts) != 0) return ErrnoStatus(errno, selected.path);
  const bool opened_up = (facts.st_mode & 0200) == 0;
  if (opened_up && fchmod(selected.fd.get(), (facts.st_mode & 0777) | 0700) != 0) {
    return ErrnoStatus(errno, selected.path);
  }
  if (renameat(parent, name.c_str(), output_dirfd, kContent) != 0) {
    return ErrnoStatus(errno, selected.path);
  }
  if (opened_up && fchmod(selected.fd.get(), facts.st_mode & 0777) != 0) {
    return ErrnoStatus(errno, selected.path);
  }
  return absl::OkStatus();
}

absl::Status RemoveEntry(int output_dirfd, const std::string& name) {
  if (unlinkat(output_dirfd, name.c_str(), 0) == 0) return absl::OkStatus();
  if (errno != EISDIR && errno != EPERM) return ErrnoStatus(errno, name);
  OwnedFd directory;
  CLOISTER_ASSIGN_OR_RETURN(directory, OpenBeneath(output_dirfd, name, O_RDONLY | O_DIRECTORY));
  CLOISTER_RETURN_IF_ERROR(state::RemoveContents(directory.get(), name, ""));
  if (unlinkat(output_dirfd, name.c_str(), AT_REMOVEDIR) != 0) return ErrnoStatus(errno, name);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OwnedFd> MakeTree(int output_dirfd) {
  if (mkdirat(output_dirfd, kTree, 0755) != 0) return ErrnoStatus(errno, kTree);
  OwnedFd tree;
  CLOISTER_ASSIGN_OR_RETURN(tree, OpenBeneath(output_dirfd, kTree, O_RDONLY | O_DIRECTORY));
  if (fchmod(tree.get(), 0755) != 0) return ErrnoStatus(errno, kTree);
  return tree;
}

absl::Status KeepFile(int output_dirfd, const std::string& name) {
  OwnedFd content;
  CLOISTER_ASSIGN_OR_RETURN(content, MakeContent(output_dirfd));
  OwnedFd raw;
  CLOISTER_ASSIGN_OR_RETURN(raw, OpenBeneath(output_dirfd, kRawName, O_RDONLY));
  if (fchmod(raw.get(), 0644) != 0) return ErrnoStatus(errno, kRawName);
  if (renameat(output_dirfd, kRawName, content.get(), name.c_str()) != 0) {
    return ErrnoStatus(errno, absl::StrCat("file '", name, "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<TakenTree> TakeTree(int output_dirfd, const std::string& subdir) {
  TakenTree taken;
  if (subdir.empty()) {
    if (renameat(output_dirfd, kTree, output_dirfd, kContent) != 0) {
      return ErrnoStatus(errno, kTree);
    }
    return taken;
  }
  OwnedFd tree;
  CLOISTER_ASSIGN_OR_RETURN(tree, OpenBeneath(output_dirfd, kTree, O_RDONLY | O_DIRECTORY));
  SelectedEntry selected;
  CLOISTER_ASSIGN_OR_RETURN(selected, SelectSubdirectory(tree.get(), subdir));
  const size_t slash = selected.path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : selected.path.substr(0, slash);
  const std::string name = selected.path.substr(slash == std::string::npos ? 0 : slash + 1);
  OwnedFd parent;
  CLOISTER_ASSIGN_OR_RETURN(parent, OpenBeneath(tree.get(), directory, O_RDONLY | O_DIRECTORY));
  if (selected.is_directory) {
    CLOISTER_RETURN_IF_ERROR(MoveDirectory(parent.get(), name, selected, output_dirfd));
    return taken;
  }
  taken.is_directory = false;
  taken.file_name = name;
  OwnedFd content;
  CLOISTER_ASSIGN_OR_RETURN(content, MakeContent(output_dirfd));
  if (renameat(parent.get(), name.c_str(), content.get(), name.c_str()) != 0) {
    return ErrnoStatus(errno, selected.path);
  }
  return taken;
}

absl::StatusOr<std::string> OnlyFile(int output_dirfd) {
  OwnedFd content;
  CLOISTER_ASSIGN_OR_RETURN(content, OpenBeneath(output_dirfd, kContent, O_RDONLY | O_DIRECTORY));
  std::vector<std::string> names;
  CLOISTER_ASSIGN_OR_RETURN(names, DirectoryNames(content.get()));
  struct stat facts;
  if (names.size() != 1 ||
      fstatat(content.get(), names[0].c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(facts.st_mode)) {
    return absl::InvalidArgumentError(
        "mode file wants exactly one regular file at the top of what was unpacked (subdirectory "
        "and "
        "strip_components counted)");
  }
  return names[0];
}

absl::Status Tidy(int output_dirfd, bool keep_content, bool keep_raw) {
  std::vector<std::string> names;
  CLOISTER_ASSIGN_OR_RETURN(names, DirectoryNames(output_dirfd));
  absl::Status first;
  for (const std::string& name : names) {
    if (keep_content && name == kContent) continue;
    if (keep_raw && name == kRawName) continue;
    const absl::Status removed = RemoveEntry(output_dirfd, name);
    if (first.ok()) first = removed;
  }
  return first;
}

}  // namespace cloister::artifact
