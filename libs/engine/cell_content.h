// What a cell has left, once its tree is adopted: looked at by us, as a cell that an archive has
// taken over has kept to no limit, checked no digest, and reports what it likes.
#ifndef CLOISTER_LIBS_ENGINE_CELL_CONTENT_H_
#define CLOISTER_LIBS_ENGINE_CELL_CONTENT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/artifact/adopt_tree.h"
#include "libs/node/artifact_policy.h"
#include "libs/plan/place_artifacts.h"

namespace cloister::engine {

// By name; one more than plan::kMaxCachedMounts at most: with more, it is copied as a whole, or
// mounted as one. `content` is borrowed.
absl::StatusOr<std::vector<plan::FetchedEntry>> EntriesOf(int content);

// What came as one file may be a program; the page promises that it can be run. The file is the
// only one that there is, not the one that the cell names: that name could be any of the node's.
// INVALID_ARGUMENT unless there is one entry and that is a regular file.
absl::Status MakeProgram(int content);

// RESOURCE_EXHAUSTED if it is larger than anything that the policy lets be fetched or unpacked.
absl::Status CheckTree(const artifact::TreeFacts& tree, bool is_tree,
                       const node::ArtifactPolicy& policy);

// DATA_LOSS unless `asked` is one of `digests`, which are not empty, or empty.
absl::Status CheckDigest(const std::string& asked, const std::vector<std::string>& digests);

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_CELL_CONTENT_H_
