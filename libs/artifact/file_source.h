// Files of the node itself as sources: only beneath directories that its policy lists.
#ifndef CLOISTER_LIBS_ARTIFACT_FILE_SOURCE_H_
#define CLOISTER_LIBS_ARTIFACT_FILE_SOURCE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

// A regular file or a directory, open for reading. `url` is "file:///path"; `root` is a directory
// descriptor of the root that paths count from (borrowed; in production the node's "/"). `allowed`
// are absolute paths of directories.
//
// Opened by openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS: a link anywhere in the path,
// also in what the policy lists, is refused. Whoever runs tasks' code writes to none of `allowed`,
// or can offer any file of that directory's file system as a hard link.
//   PERMISSION_DENIED    not beneath one of `allowed`; says which path
//   FAILED_PRECONDITION  neither a regular file nor a directory
//   NOT_FOUND, and other errors of open(2)
absl::StatusOr<OwnedFd> OpenFileSource(int root, absl::string_view url,
                                       const std::vector<std::string>& allowed);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_FILE_SOURCE_H_
