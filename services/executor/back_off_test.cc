#include "services/executor/back_off.h"

#include "gtest/gtest.h"

namespace cloister::executor {
namespace {

TEST(BackOff, DoublesUpToItsMaximum) {
  BackOff back_off(absl::Seconds(1), absl::Seconds(5));
  for (absl::Duration step :
       {absl::Seconds(1), absl::Seconds(2), absl::Seconds(4), absl::Seconds(5), absl::Seconds(5)}) {
    const absl::Duration wait = back_off.Next();
    EXPECT_GE(wait, step / 2);
    EXPECT_LE(wait, step);
  }
}

TEST(BackOff, BeginsAgainAfterSuccess) {
  BackOff back_off(absl::Seconds(1), absl::Hours(1));
  for (int i = 0; i < 10; ++i) back_off.Next();
  back_off.Reset();
  EXPECT_LE(back_off.Next(), absl::Seconds(1));
}

}  // namespace
}  // namespace cloister::executor
