#include "libs/launch/low_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"

namespace cloister {
namespace launch {

absl::StatusOr<std::unique_ptr<LowFds>> LowFds::Reserve() {
  std::unique_ptr<LowFds> low(new LowFds());
  OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return ErrnoStatus(errno, "/dev/null");
  low->null_ = OwnedFd(fcntl(null.get(), F_DUPFD_CLOEXEC, first_foreign()));
  if (!low->null_.valid()) return ErrnoStatus(errno, "/dev/null");
  null.reset();
  for (int number = kFirst; number < first_foreign(); ++number) {
    if (fcntl(number, F_GETFD) >= 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("descriptor ", number, " is in use already"));
    }
    if (dup3(low->null_.get(), number, O_CLOEXEC) < 0)
      return ErrnoStatus(errno, absl::StrCat("descriptor ", number));
    low->end_ = number + 1;
  }
  absl::MutexLock lock(&low->mutex_);
  for (int block = kBlocks - 1; block >= 0; --block)
    low->free_.push_back(kFirst + 1 + block * kBlockSize);
  return low;
}

LowFds::~LowFds() {
  for (int number = kFirst; number < end_; ++number) close(number);
}

absl::StatusOr<int> LowFds::PlaceShared(int fd) {
  if (dup3(fd, kFirst, O_CLOEXEC) < 0)
    return ErrnoStatus(errno, absl::StrCat("descriptor ", kFirst));
  return kFirst;
}

std::unique_ptr<LowFds::Block> LowFds::Take() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](std::vector<int>* free) { return !free->empty(); }, &free_));
  const int first = free_.back();
  free_.pop_back();
  return std::make_unique<Block>(this, first);
}

absl::Status LowFds::Block::Place(int index, int fd) const {
  if (dup3(fd, Number(index), O_CLOEXEC) < 0)
    return ErrnoStatus(errno, absl::StrCat("descriptor ", Number(index)));
  return absl::OkStatus();
}

LowFds::Block::~Block() {
  for (int i = 0; i < kBlockSize; ++i) dup3(owner_->null_.get(), Number(i), O_CLOEXEC);
  absl::MutexLock lock(&owner_->mutex_);
  owner_->free_.push_back(first_);
}

}  // namespace launch
}  // namespace cloister
