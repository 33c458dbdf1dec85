#include "libs/base/owned_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace cloister {
namespace {

int OpenNull() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

TEST(OwnedFd, OwnsNothingAtFirst) {
  OwnedFd fd;
  EXPECT_FALSE(fd.valid());
  EXPECT_EQ(fd.get(), -1);
  EXPECT_EQ(fd.Release(), -1);
}

TEST(OwnedFd, TakesAFailedOpenAsNothing) {
  const OwnedFd fd(-2);
  EXPECT_FALSE(fd.valid());
  EXPECT_EQ(fd.get(), -1);
}

TEST(OwnedFd, ClosesWhenItGoes) {
  const int raw = OpenNull();
  {
    const OwnedFd fd(raw);
    EXPECT_TRUE(fd.valid());
    EXPECT_EQ(fd.get(), raw);
    EXPECT_TRUE(IsOpen(raw));
  }
  EXPECT_FALSE(IsOpen(raw));
}

TEST(OwnedFd, TakesDescriptorZeroAsADescriptor) {
  OwnedFd fd(0);
  EXPECT_TRUE(fd.valid());
  EXPECT_EQ(fd.Release(), 0);
}

TEST(OwnedFd, KeepsWhatItReleased) {
  OwnedFd fd(OpenNull());
  const int raw = fd.Release();
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(IsOpen(raw));
  close(raw);
}

TEST(OwnedFd, MovesWithoutClosing) {
  OwnedFd from(OpenNull());
  const int raw = from.get();
  OwnedFd to(std::move(from));
  EXPECT_EQ(to.get(), raw);
  EXPECT_FALSE(
      from.valid());  // NOLINT(bugprone-use-after-move): the state after a move is promised.
  EXPECT_TRUE(IsOpen(raw));
}

TEST(OwnedFd, ClosesTheOldOneOnAssignment) {
  OwnedFd fd(OpenNull());
  const int old = fd.get();
  OwnedFd other(OpenNull());
  const int raw = other.get();
  fd = std::move(other);
  EXPECT_FALSE(IsOpen(old));
  EXPECT_EQ(fd.get(), raw);
  EXPECT_TRUE(IsOpen(raw));
}

TEST(OwnedFd, SurvivesAssignmentToItself) {
  OwnedFd fd(OpenNull());
  OwnedFd& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(IsOpen(fd.get()));
}

TEST(OwnedFd, KeepsErrnoWhenItCloses) {
  OwnedFd fd(OpenNull());
  errno = ENOENT;
  fd.reset();
  EXPECT_EQ(errno, ENOENT);
  EXPECT_FALSE(fd.valid());
}

}  // namespace
}  // namespace cloister
