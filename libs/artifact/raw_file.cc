#include "libs/artifact/raw_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "absl/time/clock.h"
#include "libs/base/errno_status.h"
#include "libs/base/page_buffer.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

constexpr size_t kPieceBytes = 1 << 20;
constexpr absl::Duration kProgressInterval = absl::Milliseconds(100);

}  // namespace

absl::StatusOr<RawFile> RawFile::Open(int output_dirfd, const Validators& resume,
                                      const std::set<DigestAlgorithm>& algorithms) {
  RawFile file;
  file.algorithms_ = algorithms;
  file.hasher_ = Hasher(algorithms);
  CLOISTER_ASSIGN_OR_RETURN(
      file.fd_, OpenBeneath(output_dirfd, kRawName, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  if (resume.empty()) {
    if (ftruncate(file.fd_.get(), 0) != 0) return ErrnoStatus(errno, kRawName);
    return file;
  }
  file.validators_ = resume;
  CLOISTER_RETURN_IF_ERROR(file.HashWhatIsThere());
  return file;
}

absl::Status RawFile::HashWhatIsThere() {
  const PageBuffer piece(kPieceBytes);
  for (;;) {
    const ssize_t got = pread(fd_.get(), piece.data(), kPieceBytes, size_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, kRawName);
    if (got == 0) return absl::OkStatus();
    hasher_.Update({piece.data(), static_cast<size_t>(got)});
    size_ += got;
  }
}

void RawFile::Observe(OnProgress on_progress, OnValidators on_validators) {
  on_progress_ = std::move(on_progress);
  on_validators_ = std::move(on_validators);
}

absl::Status RawFile::Begin(int64_t offset, int64_t total, const Validators& validators) {
  if (offset != size_) {
    if (offset != 0) return absl::InternalError("raw: the transfer goes on at another place");
    if (ftruncate(fd_.get(), 0) != 0) return ErrnoStatus(errno, kRawName);
    hasher_ = Hasher(algorithms_);
    size_ = 0;
  }
  total_ = total;
  validators_ = validators;
  if (on_validators_) on_validators_(validators);
  return absl::OkStatus();
}

absl::Status RawFile::Write(absl::string_view bytes) {
  hasher_.Update(bytes);
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd_.get(), bytes.data(), bytes.size(), size_);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "write what is downloaded");
    bytes.remove_prefix(static_cast<size_t>(written));
    size_ += written;
  }
  if (on_progress_ && absl::Now() - last_progress_ >= kProgressInterval) {
    last_progress_ = absl::Now();
    on_progress_(size_, total_);
  }
  return absl::OkStatus();
}

std::vector<Checksum> RawFile::Finish() {
  if (on_progress_) on_progress_(size_, total_ < 0 ? size_ : total_);
  return hasher_.Finish();
}

}  // namespace cloister::artifact
