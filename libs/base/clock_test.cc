#include "libs/base/clock.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace cloister {
namespace {

TEST(RealClock, TellsTheWallTimeOfTheSystem) {
  const absl::Time before = absl::Now();
  const absl::Time now = RealClock().Now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, absl::Now());
}

TEST(RealClock, NeverGoesBackOnTheMonotonicClock) {
  const RealClock clock;
  absl::Duration last = clock.Monotonic();
  EXPECT_GT(last, absl::ZeroDuration());
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = clock.Monotonic();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace cloister
