// How much may come out of an archive, and what an artifact may ask of that. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_UNPACK_LIMITS_H_
#define CLOISTER_LIBS_ARTIFACT_UNPACK_LIMITS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace cloister::artifact {

// Each is the most that is still allowed: an archive of exactly `files` entries unpacks. There is
// no "unlimited".
struct UnpackLimits {
  // Of content that comes out, holes counted as if written.
  uint64_t bytes = 100'000'000'000;
  // Bytes that come out for each that goes in; counts once more than kRatioFloorBytes came out.
  uint64_t ratio = 1000;
  // Entries of any kind, and the directories that are made for them.
  uint64_t files = 100'000;
  // Components of a path.
  uint64_t depth = 64;
  // Bytes of a path.
  uint64_t path_length = 4096 - 1;
  // From the beginning of unpacking.
  absl::Duration deadline = absl::Minutes(30);
};

constexpr uint64_t kRatioFloorBytes = 16 << 20;

// What an artifact's options say; what they do not say is the node's.
struct LimitRequest {
  absl::optional<uint64_t> bytes;           // max_bytes
  absl::optional<uint64_t> ratio;           // max_ratio
  absl::optional<uint64_t> files;           // max_files
  absl::optional<uint64_t> depth;           // max_depth
  absl::optional<uint64_t> path_length;     // max_path_length
  absl::optional<absl::Duration> deadline;  // timeout
};

// The request, where it says something, within the node's ceiling. INVALID_ARGUMENT names every
// option that asks for more, with both values.
absl::StatusOr<UnpackLimits> ApplyLimits(const LimitRequest& request, const UnpackLimits& ceiling);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_UNPACK_LIMITS_H_
