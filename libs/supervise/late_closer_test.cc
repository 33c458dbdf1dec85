#include "libs/supervise/late_closer.h"

#include <fcntl.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/base/fake_clock.h"

namespace cloister {
namespace supervise {
namespace {

TEST(LateCloser, ClosesWhatItWasGivenWithoutBeingAskedAgain) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  const OwnedFd read_end(fds[0]);
  const FakeClock clock;
  const Lull lull(&clock);
  LateCloser closer(&lull);
  closer.Close(OwnedFd(fds[1]));
  char byte;
  // The end of file comes with the close of the last write end.
  EXPECT_EQ(read(read_end.get(), &byte, 1), 0);
}

TEST(LateCloser, ClosesTheRestWhenItEnds) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  const OwnedFd read_end(fds[0]);
  const FakeClock clock;
  Lull lull(&clock);
  // For good: the clock stands still.
  lull.Disturb(absl::Milliseconds(1));
  {
    LateCloser closer(&lull);
    closer.Close(OwnedFd());
    closer.Close(OwnedFd(fds[1]));
  }
  char byte;
  EXPECT_EQ(read(read_end.get(), &byte, 1), 0);
}

TEST(LateCloser, ClosesManyWithoutALull) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  const OwnedFd read_end(fds[0]);
  OwnedFd write_end(fds[1]);
  const FakeClock clock;
  Lull lull(&clock);
  lull.Disturb(absl::Milliseconds(1));
  LateCloser closer(&lull);
  for (int i = 0; i < 100; ++i) closer.Close(OwnedFd(dup(write_end.get())));
  write_end.reset();
  for (int i = 0; i < 8; ++i) closer.Close(OwnedFd(dup(read_end.get())));
  char byte;
  EXPECT_EQ(read(read_end.get(), &byte, 1), 0);
}

}  // namespace
}  // namespace supervise
}  // namespace cloister
