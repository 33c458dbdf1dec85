// Checksums of artifacts as users write them, and lists of them as `sha256sum` and BSD's `sha256`
// write them. Pure: nothing is fetched to look at one.
#ifndef CLOISTER_LIBS_ARTIFACT_CHECKSUM_H_
#define CLOISTER_LIBS_ARTIFACT_CHECKSUM_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cloister::artifact {

// In the order of their strength.
enum class DigestAlgorithm { kMd5, kSha1, kSha256, kSha384, kSha512 };

// "sha256".
absl::string_view DigestAlgorithmName(DigestAlgorithm algorithm);

struct Checksum {
  DigestAlgorithm algorithm = DigestAlgorithm::kSha256;
  // In lower case, as long as the algorithm's are.
  std::string hex;

  // "sha256:<hex>".
  std::string ToString() const;
  friend bool operator==(const Checksum& a, const Checksum& b) {
    return a.algorithm == b.algorithm && a.hex == b.hex;
  }
};

// What the option `checksum` says: exactly one of the two is set.
struct ChecksumText {
  absl::optional<Checksum> digest;
  // The source of a list, of "file:SOURCE".
  std::string list_source;
};

// "TYPE:HEX", HEX alone (its length tells the type) or "file:SOURCE". Types are md5, sha1, sha256,
// sha384 and sha512. INVALID_ARGUMENT says all that is wrong.
absl::StatusOr<ChecksumText> ParseChecksum(absl::string_view text);

// The same as a check of a text that may still hold references ("${"): those are taken on trust.
absl::Status CheckChecksum(absl::string_view text);

constexpr size_t kMaxChecksumListBytes = 1 << 20;

// The checksum that `list` names for `file_path` (a path as in the file's URL; its last component
// is its name). GNU ("HEX  NAME", "HEX *NAME", escaped names) and BSD ("SHA256 (NAME) = HEX")
// lines; comments, signatures and other lines are skipped. A line is about the file if its NAME,
// without
// "./", is the end of `file_path` from a component's beginning; the longest such NAME counts, and
// of several algorithms the strongest. A list that is one digest without a name is about any file.
// NOT_FOUND if no line is about it; INVALID_ARGUMENT for lines that contradict each other and for
// a list over kMaxChecksumListBytes.
absl::StatusOr<Checksum> FindInChecksumList(absl::string_view list, absl::string_view file_path);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_CHECKSUM_H_
