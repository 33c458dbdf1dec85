// One digest of a whole tree: of paths, types, modes, link targets and contents.
#ifndef CLOISTER_LIBS_ARTIFACT_TREE_DIGEST_H_
#define CLOISTER_LIBS_ARTIFACT_TREE_DIGEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/artifact/tree_walk.h"

namespace cloister::artifact {

// SHA-256 in hexadecimal of what lies in `top` (borrowed). Owners and times do not count; the order
// in which a directory gives its entries does not, either. INVALID_ARGUMENT for special files.
absl::StatusOr<std::string> TreeDigest(int top, const WalkLimits& limits = {});

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TREE_DIGEST_H_
