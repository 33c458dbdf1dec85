// What a fetch makes in its output directory: `raw` (a download), `tree` (what came out of it) and
// `content` (what was asked for of that), and how nothing of it stays behind. For fetch.cc.
#ifndef CLOISTER_LIBS_ARTIFACT_FETCH_TREE_H_
#define CLOISTER_LIBS_ARTIFACT_FETCH_TREE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

// Makes the empty directory `tree`, 0755.
absl::StatusOr<OwnedFd> MakeTree(int output_dirfd);

// Makes `content` of `raw` alone, under `name`, 0644.
absl::Status KeepFile(int output_dirfd, const std::string& name);

struct TakenTree {
  bool is_directory = true;
  // Where the subdirectory is a file: its name, alone in `content`.
  std::string file_name;
};

// Makes `content` of `tree`, or of its subdirectory (subdirectory.h). Links that lead from there to
// elsewhere in the tree lead out of `content`: adopting it refuses them.
absl::StatusOr<TakenTree> TakeTree(int output_dirfd, const std::string& subdir);

// The name of the one file that `content` holds; INVALID_ARGUMENT if it holds anything else.
absl::StatusOr<std::string> OnlyFile(int output_dirfd);

// Removes all but `content` and `raw` where those are to stay.
absl::Status Tidy(int output_dirfd, bool keep_content, bool keep_raw);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_FETCH_TREE_H_
