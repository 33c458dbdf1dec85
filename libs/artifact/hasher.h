// Digests of a stream, several in one pass. By OpenSSL's libcrypto (EVP_DigestInit(3)).
#ifndef CLOISTER_LIBS_ARTIFACT_HASHER_H_
#define CLOISTER_LIBS_ARTIFACT_HASHER_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/checksum.h"

namespace cloister::artifact {

// Always computes SHA-256, which content is addressed by, and what else is named. One stream each;
// not thread-safe.
class Hasher {
 public:
  explicit Hasher(const std::set<DigestAlgorithm>& also = {});
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void Update(absl::string_view bytes);

  // In the order of DigestAlgorithm. Once, after the last Update.
  std::vector<Checksum> Finish();

 private:
  struct Stream;
  std::vector<Stream> streams_;
};

// Of one algorithm in `digests`, or empty.
std::string HexOf(const std::vector<Checksum>& digests, DigestAlgorithm algorithm);

// OK if `expected` is among `digests`; else DATA_LOSS with both values, INTERNAL if its algorithm
// was not computed.
absl::Status VerifyChecksum(const Checksum& expected, const std::vector<Checksum>& digests);

// Of what file `fd` holds from its beginning; the offset is not used and stays. Errors name
// `shown`.
absl::StatusOr<std::vector<Checksum>> HashFile(int fd, absl::string_view shown,
                                               const std::set<DigestAlgorithm>& also = {});

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_HASHER_H_
