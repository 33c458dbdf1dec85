// How what was fetched for a task comes into its root: mounted read-only from the node's cache,
// whatever its size, or copied, where it has to be.
#ifndef CLOISTER_LIBS_PLAN_PLACE_ARTIFACTS_H_
#define CLOISTER_LIBS_PLAN_PLACE_ARTIFACTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cloister/internal/plan.pb.h"

namespace cloister::plan {

struct FetchedEntry {
  std::string name;
  bool is_directory = false;
  // A symbolic link: nothing that can be mounted.
  bool is_link = false;
  uint64_t device = 0;
  uint64_t inode = 0;
};

// What lies in the cache for one artifact: a directory of the node and what is in it.
struct FetchedArtifact {
  // Absolute path of the directory.
  std::string outside;
  uint64_t device = 0;
  uint64_t inode = 0;
  std::vector<FetchedEntry> entries;
  // It cannot be used as it lies there: something in it has to be made executable.
  bool copy = false;
};

struct ArtifactPlacement {
  // In the order in which they are mounted; after the plan's others.
  std::vector<internal::Mount> mounts;
  // Indices of the artifacts that are copied instead into their home, in order: the later one is
  // merged over what is there.
  std::vector<size_t> copies;
  // Indices of those in /secrets: copied by the task's first process, as the tmpfs is made there.
  std::vector<size_t> secrets;
};

// Whether a directory inside is /secrets or lies in it.
bool IsInSecrets(absl::string_view directory);

// Most mounts of artifacts that one task gets: those with more entries are copied.
inline constexpr size_t kMaxCachedMounts = 24;

// `fetched` are those of `artifacts`, one by one. Mounted is a whole directory, where it is no
// other's, or else entry by entry. Copied is what the task is to own (chown), what is not kept
// (CACHE_OFF), what `fetched` says, what has an entry of the same name as another in the same
// place, and that which another lies in. Pure.
ArtifactPlacement PlaceArtifacts(
    const google::protobuf::RepeatedPtrField<internal::ArtifactPlan>& artifacts,
    const std::vector<FetchedArtifact>& fetched);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLACE_ARTIFACTS_H_
