// Puts a tree or a file of ours to its destination in a task's directory, as a copy that the task
// may own. Contents are shared with the source where the file system can (FICLONE,
// ioctl_ficlone(2)).
//
// Atomic: the copy is made beside the destination, under a name that begins with kStagingPrefix,
// and renamed onto it when it is whole. Where the destination is a directory already, the copy is
// merged into it: directories of one name are one and keep the mode and owner they have; a file or
// link replaces a file or link of its name; one that meets a directory, or a directory that meets
// one, is refused before anything changes. Nothing else in the destination changes. The merge
// itself is renames only: a crash in the middle leaves some files new and some old, never a part of
// one.
#ifndef CLOISTER_LIBS_ARTIFACT_COPY_TREE_H_
#define CLOISTER_LIBS_ARTIFACT_COPY_TREE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "libs/artifact/tree_walk.h"
#include "libs/artifact/tree_writer.h"

namespace cloister::artifact {

constexpr absl::string_view kStagingPrefix = ".artifact-staging-";

struct CopyOptions {
  // Of the copy and of directories that are made on the way. None: the process's.
  absl::optional<TreeOwner> owner;
  // Of directories that are made on the way to the destination.
  mode_t directory_mode = 0755;
  WalkLimits limits;
  // Asked before each entry and each piece of a large file, unless null: its error ends the copy.
  std::function<absl::Status()> check;
};

// Copies what lies in `source` (borrowed; adopted: no special files) to `destination`, a relative
// path beneath `root` (borrowed), never through a link; "" is `root` itself. One call for a `root`
// at a time: what an earlier one left beside its destination when it was killed is removed.
absl::Status CopyTree(int source, int root, absl::string_view destination,
                      const CopyOptions& options);

// The same for one regular file (borrowed, open for reading), of its mode, to `destination`, which
// names the file. An earlier file or link of that name is replaced; a directory is refused.
absl::Status CopyFile(int source, int root, absl::string_view destination,
                      const CopyOptions& options);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_COPY_TREE_H_
