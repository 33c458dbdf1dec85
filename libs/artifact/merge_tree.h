// Moves the entries of one directory into another, of the same file system. For copy_tree.
#ifndef CLOISTER_LIBS_ARTIFACT_MERGE_TREE_H_
#define CLOISTER_LIBS_ARTIFACT_MERGE_TREE_H_

#include "absl/status/status.h"

namespace cloister::artifact {

// Looks first and changes nothing unless all can be moved: FAILED_PRECONDITION, with the path,
// where a directory meets something else or something else a directory. Then renames: directories
// that are on both sides are one and stay as they are in `destination`, everything else replaces.
// `staged` (borrowed, ours alone) is left with empty directories at most. No link is followed on
// either side.
absl::Status MergeTree(int staged, int destination);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_MERGE_TREE_H_
