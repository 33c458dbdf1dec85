#include "libs/base/fake_clock.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"

namespace cloister {
namespace {

TEST(FakeClock, StandsStillUntilAdvanced) {
  FakeClock clock;
  const absl::Time now = clock.Now();
  const absl::Duration monotonic = clock.Monotonic();
  EXPECT_EQ(clock.Now(), now);
  EXPECT_EQ(clock.Monotonic(), monotonic);

  clock.Advance(absl::Seconds(5));
  EXPECT_EQ(clock.Now(), now + absl::Seconds(5));
  EXPECT_EQ(clock.Monotonic(), monotonic + absl::Seconds(5));
}

TEST(FakeClock, KeepsTheMonotonicClockWhenTheWallTimeJumps) {
  FakeClock clock(absl::FromUnixSeconds(1000));
  const absl::Duration monotonic = clock.Monotonic();
  clock.SetWallTime(absl::FromUnixSeconds(10));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(10));
  EXPECT_EQ(clock.Monotonic(), monotonic);
}

}  // namespace
}  // namespace cloister
