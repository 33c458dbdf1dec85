#include "libs/base/lull.h"

#include "gtest/gtest.h"
#include "libs/base/fake_clock.h"

namespace cloister {
namespace {

constexpr absl::Duration kLength = absl::Milliseconds(2);

class LullTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  Lull lull_{&clock_};
  absl::Mutex mutex_;
  bool urgent_ = false;
};

TEST_F(LullTest, IsThereUntilSomethingDisturbsIt) {
  EXPECT_EQ(lull_.Ahead(), absl::ZeroDuration());
  lull_.Disturb(kLength);
  EXPECT_EQ(lull_.Ahead(), kLength);
}

TEST_F(LullTest, ComesWhenTheLastDisturbanceIsOver) {
  lull_.Disturb(kLength);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(lull_.Ahead(), absl::Milliseconds(1));
  lull_.Disturb(kLength);
  EXPECT_EQ(lull_.Ahead(), kLength);
  clock_.Advance(kLength);
  EXPECT_EQ(lull_.Ahead(), absl::ZeroDuration());
}

TEST_F(LullTest, AShorterDisturbanceEndsNoLongerOne) {
  lull_.Disturb(kLength);
  lull_.Disturb(kLength / 2);
  EXPECT_EQ(lull_.Ahead(), kLength);
  clock_.Advance(kLength);
  lull_.Disturb(kLength / 2);
  EXPECT_EQ(lull_.Ahead(), kLength / 2);
}

TEST_F(LullTest, NobodyWaitsInOne) {
  absl::MutexLock lock(&mutex_);
  lull_.Await(&mutex_, absl::Condition(&urgent_), absl::InfiniteDuration());
}

// The clock stands still in these: no lull ever comes.
TEST_F(LullTest, WhatIsUrgentDoesNotWait) {
  lull_.Disturb(kLength);
  absl::MutexLock lock(&mutex_);
  urgent_ = true;
  lull_.Await(&mutex_, absl::Condition(&urgent_), absl::InfiniteDuration());
}

TEST_F(LullTest, PatienceEnds) {
  lull_.Disturb(kLength);
  absl::MutexLock lock(&mutex_);
  lull_.Await(&mutex_, absl::Condition(&urgent_), absl::ZeroDuration());
}

}  // namespace
}  // namespace cloister
