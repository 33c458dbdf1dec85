#include "libs/artifact/subdirectory.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/artifact/directory_names.h"
#include "libs/artifact/entry_path.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

// The one name in `directory` that `glob` matches.
absl::StatusOr<std::string> Match(int directory, const std::string& glob) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> names, DirectoryNames(directory));
  std::string found;
  int matches = 0;
  for (const std::string& name : names) {
    if (fnmatch(glob.c_str(), name.c_str(), FNM_PERIOD) == 0 && matches++ == 0) found = name;
  }
  if (matches == 1) return found;
  if (matches == 0) {
    return absl::NotFoundError(
        absl::StrCat("the subdirectory: nothing matches '", ShownPath(glob), "'"));
  }
  return absl::InvalidArgumentError(absl::StrCat("the subdirectory: ", matches, " entries match '",
                                                 ShownPath(glob), "', it must be one"));
}

// `name` in `directory`, a directory or regular file, open for reading.
absl::StatusOr<OwnedFd> Enter(int directory, const std::string& name, bool* is_directory) {
  struct stat facts;
  if (fstatat(directory, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0)
    return ErrnoStatus(errno, absl::StrCat("the subdirectory: '", ShownPath(name), "'"));
  *is_directory = S_ISDIR(facts.st_mode);
  if (!*is_directory && !S_ISREG(facts.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the subdirectory: '", ShownPath(name),
                     S_ISLNK(facts.st_mode) ? "' is a link" : "' is no directory"));
  }
  return OpenBeneath(directory, name,
                     *is_directory ? O_RDONLY | O_DIRECTORY : O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
}

}  // namespace

absl::StatusOr<SelectedEntry> SelectSubdirectory(int tree, absl::string_view subdir) {
  SelectedEntry selected;
  CLOISTER_ASSIGN_OR_RETURN(selected.fd, OpenBeneath(tree, ".", O_RDONLY | O_DIRECTORY));
  for (const absl::string_view component : absl::StrSplit(subdir, '/', absl::SkipEmpty())) {
    if (!selected.is_directory) {
      return absl::InvalidArgumentError(
          absl::StrCat("the subdirectory: '", ShownPath(selected.path), "' is no directory"));
    }
    if (component == "." || component == "..")
      return absl::InvalidArgumentError("the subdirectory has '.' or '..' in it");
    std::string name(component);
    if (name.find_first_of("*?[") != std::string::npos) {
      CLOISTER_ASSIGN_OR_RETURN(name, Match(selected.fd.get(), name));
    }
    CLOISTER_ASSIGN_OR_RETURN(OwnedFd next, Enter(selected.fd.get(), name, &selected.is_directory));
    selected.fd = std::move(next);
    absl::StrAppend(&selected.path, selected.path.empty() ? "" : "/", name);
  }
  return selected;
}

}  // namespace cloister::artifact
