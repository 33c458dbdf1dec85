#include "libs/supervise/late_closer.h"

#include <fcntl.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace cloister {
namespace supervise {
namespace {

TEST(LateCloser, ClosesWhatItWasGivenWithoutBeingAskedAgain) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  const OwnedFd read_end(fds[0]);
  LateCloser closer;
  closer.Close(OwnedFd(fds[1]));
  char byte;
  // The end of file comes with the close of the last write end.
  EXPECT_EQ(read(read_end.get(), &byte, 1), 0);
}

TEST(LateCloser, ClosesTheRestWhenItEnds) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  const OwnedFd read_end(fds[0]);
  {
    LateCloser closer;
    closer.Close(OwnedFd());
    closer.Close(OwnedFd(fds[1]));
  }
  char byte;
  EXPECT_EQ(read(read_end.get(), &byte, 1), 0);
}

}  // namespace
}  // namespace supervise
}  // namespace cloister
