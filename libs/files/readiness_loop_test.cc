#include "libs/files/readiness_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "absl/synchronization/notification.h"

namespace cloister::files {
namespace {

struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    ours = OwnedFd(fds[0]);
    theirs = OwnedFd(fds[1]);
  }
  OwnedFd ours;
  OwnedFd theirs;
};

TEST(ReadinessLoop, CallsOnceForEachArming) {
  auto loop = ReadinessLoop::Create();
  ASSERT_TRUE(loop.ok());
  Pair pair;
  std::atomic<int> calls{0};
  absl::Notification first;
  const uint64_t watch = (*loop)->Add(pair.ours.get(), [&] {
    if (++calls == 1) first.Notify();
  });
  ASSERT_EQ(write(pair.theirs.get(), "x", 1), 1);
  (*loop)->Arm(watch, false);
  first.WaitForNotification();
  // Another descriptor's turn shows that the loop has gone round since.
  Pair other;
  absl::Notification second;
  const uint64_t witness = (*loop)->Add(other.ours.get(), [&] { second.Notify(); });
  (*loop)->Arm(witness, true);
  second.WaitForNotification();
  EXPECT_EQ(calls, 1);
}

TEST(ReadinessLoop, TellsOfTheOtherEndsEnd) {
  auto loop = ReadinessLoop::Create();
  ASSERT_TRUE(loop.ok());
  Pair pair;
  absl::Notification ended;
  const uint64_t watch = (*loop)->Add(pair.ours.get(), [&] { ended.Notify(); });
  (*loop)->Arm(watch, false);
  pair.theirs.reset();
  ended.WaitForNotification();
}

TEST(ReadinessLoop, SaysNothingUnasked) {
  auto loop = ReadinessLoop::Create();
  ASSERT_TRUE(loop.ok());
  Pair pair;
  std::atomic<int> calls{0};
  const uint64_t unarmed = (*loop)->Add(pair.ours.get(), [&] { ++calls; });
  pair.theirs.reset();
  Pair removed;
  const uint64_t gone = (*loop)->Add(removed.ours.get(), [&] { ++calls; });
  (*loop)->Remove(gone);
  (*loop)->Arm(gone, true);
  Pair other;
  absl::Notification turn;
  const uint64_t witness = (*loop)->Add(other.ours.get(), [&] { turn.Notify(); });
  (*loop)->Arm(witness, true);
  turn.WaitForNotification();
  (*loop)->Remove(unarmed);
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace cloister::files
