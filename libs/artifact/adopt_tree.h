// Makes a tree that an untrusted process has written ours: everything is looked at again, and owner
// and modes are set.
#ifndef CLOISTER_LIBS_ARTIFACT_ADOPT_TREE_H_
#define CLOISTER_LIBS_ARTIFACT_ADOPT_TREE_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "libs/artifact/tree_walk.h"
#include "libs/artifact/tree_writer.h"

namespace cloister::artifact {

struct AdoptOptions {
  // Of everything; needs CAP_CHOWN. None: stays (an executor without root shares its user with the
  // cell).
  absl::optional<TreeOwner> owner;
  // Taken from all modes. The owner may always read, and enter directories.
  mode_t umask = 022;
  WalkLimits limits;
};

struct TreeFacts {
  uint64_t files = 0;
  uint64_t directories = 0;
  uint64_t links = 0;
  // Of regular files; second names count once.
  uint64_t bytes = 0;
};

// Of all that lies in `top` (borrowed), and of `top` itself. Whoever wrote it is dead.
// INVALID_ARGUMENT, with the path, for a special file, a symbolic link that may lead out
// (CheckLinkTarget), a file that has a name outside the tree, and a mount. Set-id and sticky bits
// and extended attributes go.
absl::StatusOr<TreeFacts> AdoptTree(int top, const AdoptOptions& options);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_ADOPT_TREE_H_
