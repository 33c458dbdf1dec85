// Looks at every entry of a tree, never through a link nor across a mount. For adopt_tree,
// copy_tree and tree_digest.
#ifndef CLOISTER_LIBS_ARTIFACT_TREE_WALK_H_
#define CLOISTER_LIBS_ARTIFACT_TREE_WALK_H_

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace cloister::artifact {

struct WalkEntry {
  // The open directory that it lies in (borrowed), and its name there.
  int parent;
  // From the top; the last is its name.
  const std::vector<std::string>& path;
  const struct stat& facts;

  const char* name() const { return path.back().c_str(); }
  // Levels below the top of the directory that it lies in.
  int depth() const { return static_cast<int>(path.size()) - 1; }
};

class TreeVisitor {
 public:
  virtual ~TreeVisitor() = default;

  // Of every entry, of a directory before what lies in it. An error ends the walk.
  virtual absl::Status Visit(const WalkEntry& entry) = 0;
  // Of a directory, after what lies in it; `fd` is open for reading (borrowed).
  virtual absl::Status Leave(const WalkEntry& entry, int fd);
};

struct WalkLimits {
  uint64_t entries = 10'000'000;
  // Each level is an open descriptor.
  int depth = 128;
  // Somebody else writes to it meanwhile: what goes, or is swapped, is passed over; so is what
  // cannot be opened.
  bool changing = false;
};

// Walks what is in `top` (borrowed, O_PATH will do), in the order of the bytes of the names in each
// directory. RESOURCE_EXHAUSTED over a limit, INVALID_ARGUMENT for a mount. Errors name the path.
absl::Status WalkTree(int top, const WalkLimits& limits, TreeVisitor* visitor);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TREE_WALK_H_
