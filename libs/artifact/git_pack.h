// A pack as it comes, indexed by libgit2, and the tree of one commit in it as files. There is no
// repository: no configuration, attributes, filters, hooks or index are read or written.
#ifndef CLOISTER_LIBS_ARTIFACT_GIT_PACK_H_
#define CLOISTER_LIBS_ARTIFACT_GIT_PACK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/artifact/tree_writer.h"
#include "libs/artifact/unpack_limits.h"

namespace cloister::artifact {

// A submodule that a commit names: where in the tree, and which commit of it.
struct GitSubmodule {
  EntryPath path;
  std::string commit;
};

// What may still come out; counted down over a repository and its submodules.
struct GitBudget {
  UnpackLimits limits;
  mode_t umask = 022;
  absl::Time deadline = absl::InfiniteFuture();
  uint64_t files = 0;
  uint64_t bytes = 0;
};

class GitPack {
 public:
  // Writes into `directory` (a path; it is there and empty).
  static absl::StatusOr<GitPack> Create(const std::string& directory);
  GitPack(GitPack&&) noexcept;
  GitPack& operator=(GitPack&&) noexcept;
  ~GitPack();

  absl::Status Append(absl::string_view bytes);
  // After the last byte. DATA_LOSS unless the pack is whole and its checksum right.
  absl::Status Finish();

  // The commit that `id` is, or that the tag `id` leads to.
  absl::StatusOr<std::string> ResolveCommit(const std::string& id) const;

  // Writes the commit's tree into `writer`, below `prefix`; files have the commit's time. Object
  // ids are verified on reading. Refused: names as "..", ".git", links that may lead out.
  // RESOURCE_EXHAUSTED names the limit. Adds submodules to `submodules`.
  absl::Status Checkout(const std::string& commit, const EntryPath& prefix, TreeWriter& writer,
                        GitBudget& budget, std::vector<GitSubmodule>* submodules) const;

  // Of a file at the top of the commit's tree; empty if there is none. At most 1 MiB.
  absl::StatusOr<std::string> TopFile(const std::string& commit, const std::string& name) const;

 private:
  struct Objects;
  GitPack();
  std::unique_ptr<Objects> objects_;
};

// libgit2, once per process: no configuration of the system's or the user's is ever looked for.
void PreloadGit();

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_GIT_PACK_H_
