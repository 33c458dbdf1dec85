// The names in a directory.
#ifndef CLOISTER_LIBS_ARTIFACT_DIRECTORY_NAMES_H_
#define CLOISTER_LIBS_ARTIFACT_DIRECTORY_NAMES_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace cloister::artifact {

// Without "." and "..", in the order of their bytes. `directory` is borrowed (O_PATH will do), its
// offset stays. RESOURCE_EXHAUSTED for more than `most`.
absl::StatusOr<std::vector<std::string>> DirectoryNames(
    int directory, uint64_t most = std::numeric_limits<uint64_t>::max());

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_DIRECTORY_NAMES_H_
