// The file that a download goes to: hashed as it comes, so that what was checked is what is there.
#ifndef CLOISTER_LIBS_ARTIFACT_RAW_FILE_H_
#define CLOISTER_LIBS_ARTIFACT_RAW_FILE_H_

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/artifact/checksum.h"
#include "libs/artifact/download.h"
#include "libs/artifact/hasher.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

constexpr char kRawName[] = "raw";

class RawFile : public BodySink {
 public:
  using OnProgress = std::function<void(int64_t bytes, int64_t total)>;
  using OnValidators = std::function<void(const Validators&)>;

  // Opens or makes `raw` in the directory (borrowed). With `resume`, what is in it is hashed and
  // kept; without, it is emptied. Mode 0600, never through a link.
  static absl::StatusOr<RawFile> Open(int output_dirfd, const Validators& resume,
                                      const std::set<DigestAlgorithm>& algorithms);

  RawFile(RawFile&&) = default;
  RawFile& operator=(RawFile&&) = default;

  void Observe(OnProgress on_progress, OnValidators on_validators);

  absl::Status Begin(int64_t offset, int64_t total, const Validators& validators) override;
  absl::Status Write(absl::string_view bytes) override;

  // Once, after the last byte.
  std::vector<Checksum> Finish();

  int fd() const { return fd_.get(); }
  int64_t size() const { return size_; }
  // Of what is in the file. Empty: it cannot be gone on with.
  const Validators& validators() const { return validators_; }

 private:
  RawFile() = default;
  absl::Status HashWhatIsThere();

  OwnedFd fd_;
  std::set<DigestAlgorithm> algorithms_;
  Hasher hasher_;
  int64_t size_ = 0;
  int64_t total_ = -1;
  Validators validators_;
  absl::Time last_progress_ = absl::InfinitePast();
  OnProgress on_progress_;
  OnValidators on_validators_;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_RAW_FILE_H_
