// SecretCopies: what a task's artifacts bring into its /secrets. That is a tmpfs of the task's
// root, made when the task starts and charged to the task: so the first process of the task copies
// there, entry by entry, and this says what.
#ifndef CLOISTER_LIBS_ENGINE_SECRET_COPIES_H_
#define CLOISTER_LIBS_ENGINE_SECRET_COPIES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cloister/internal/plan.pb.h"
#include "libs/plan/place_artifacts.h"

namespace cloister::engine {

// Files, links and directories of one task in its /secrets: each is a step of its start.
inline constexpr size_t kMaxSecretEntries = 64;

class SecretCopies {
 public:
  // The size of the tmpfs.
  explicit SecretCopies(uint64_t bytes) : bytes_(bytes) {}

  // Later ones over earlier ones, file by file, as elsewhere. FAILED_PRECONDITION for what does not
  // fit, is too many, or is a directory where an earlier one has none.
  absl::Status Add(const internal::ArtifactPlan& plan, const plan::FetchedArtifact& fetched);

  // KIND_COPIED each, a directory before what lies in it.
  std::vector<internal::Mount> Take();

 private:
  class Visitor;

  absl::Status Put(internal::Mount copy, uint64_t size);
  absl::Status MakeParents(const internal::ArtifactPlan& plan);

  const uint64_t bytes_;
  // By where they go.
  std::map<std::string, internal::Mount> copies_;
  std::map<std::string, uint64_t> sizes_;
};

// Of the plan's /secrets.
uint64_t SecretsBytes(const internal::LaunchPlan& plan);

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_SECRET_COPIES_H_
