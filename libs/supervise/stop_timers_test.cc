#include "libs/supervise/stop_timers.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister {
namespace supervise {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(StopTimers, GivesDueTasksInOrderAndOnce) {
  StopTimers timers;
  timers.Set("b", 20);
  timers.Set("a", 10);
  timers.Set("c", 30);
  EXPECT_THAT(timers.TakeDue(9), IsEmpty());
  EXPECT_THAT(timers.TakeDue(20), ElementsAre("a", "b"));
  EXPECT_THAT(timers.TakeDue(20), IsEmpty());
  EXPECT_EQ(timers.MillisToNext(20), 10);
}

TEST(StopTimers, ShorterGraceWins) {
  StopTimers timers;
  timers.Set("a", 100);
  timers.Set("a", 200);
  EXPECT_EQ(timers.MillisToNext(0), 100);
  timers.Set("a", 50);
  EXPECT_EQ(timers.MillisToNext(0), 50);
  EXPECT_THAT(timers.TakeDue(300), ElementsAre("a"));
}

TEST(StopTimers, SaysWhetherTheFirstDeadlineChanged) {
  StopTimers timers;
  EXPECT_TRUE(timers.Set("a", 100));
  EXPECT_FALSE(timers.Set("b", 200));
  EXPECT_TRUE(timers.Set("c", 50));
}

TEST(StopTimers, CancelledIsNeverDue) {
  StopTimers timers;
  timers.Set("a", 10);
  timers.Cancel("a");
  timers.Cancel("a");
  EXPECT_THAT(timers.TakeDue(1000), IsEmpty());
  EXPECT_EQ(timers.MillisToNext(0), -1);
}

TEST(StopTimers, NextNeverLiesInThePast) {
  StopTimers timers;
  timers.Set("a", 10);
  EXPECT_EQ(timers.MillisToNext(1000), 0);
}

}  // namespace
}  // namespace supervise
}  // namespace cloister
