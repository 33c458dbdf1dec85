// A hash that means the same for ever: for placement and for tokens that outlive a process.
// absl::Hash is seeded anew in each process and is for tables in memory.
#ifndef CLOISTER_LIBS_BASE_STABLE_HASH_H_
#define CLOISTER_LIBS_BASE_STABLE_HASH_H_

#include <cstdint>
#include <initializer_list>

#include "absl/strings/string_view.h"

namespace cloister {

// 64-bit FNV-1a over the parts and their lengths, then mixed (MurmurHash3's finalizer). {"ab", "c"}
// and {"a", "bc"} differ. Not for secrets: whoever knows the input can make collisions.
uint64_t StableHash64(std::initializer_list<absl::string_view> parts);

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_STABLE_HASH_H_
