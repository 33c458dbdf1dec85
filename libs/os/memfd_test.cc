#include "libs/os/memfd.h"

#include <sys/mman.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

TEST(Memfd, CannotBeChangedAfterwards) {
  absl::StatusOr<OwnedFd> fd = MakeSealedMemfd("test", "contents", 0444);
  ASSERT_THAT(fd, IsOk());
  EXPECT_LT(pwrite(fd->get(), "x", 1, 0), 0);
  EXPECT_LT(ftruncate(fd->get(), 0), 0);
  EXPECT_THAT(ReadSealedMemfd(fd->get(), 100), IsOkAndHolds("contents"));
}

TEST(Memfd, RefusesWhatThePeerCouldStillChange) {
  OwnedFd fd(memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_THAT(ReadSealedMemfd(fd.get(), 100), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(Memfd, RefusesWhatIsTooLarge) {
  absl::StatusOr<OwnedFd> fd = MakeSealedMemfd("test", "contents", 0444);
  ASSERT_THAT(fd, IsOk());
  EXPECT_THAT(ReadSealedMemfd(fd->get(), 7), StatusIs(absl::StatusCode::kOutOfRange));
}

}  // namespace
}  // namespace cloister
