#include "tests/bench/machine_cpu.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::bench {
namespace {

constexpr char kStat[] =
    "cpu  1000 0 500 4000 60 7 8 40 4 0\n"
    "cpu0 500 0 250 2000 30 7 8 20 2 0\n"
    "cpu1 500 0 250 2000 30 0 0 20 2 0\n"
    "intr 12345 0 0\n";

TEST(MachineCpuTest, CountsWaitingAndStolenTimeAsIdle) {
  const absl::StatusOr<MachineCpu> cpu = ParseMachineCpu(kStat, 100);
  ASSERT_THAT(cpu, IsOk());
  EXPECT_EQ(cpu->processors, 2);
  EXPECT_EQ(cpu->idle, absl::Seconds(41));
}

TEST(MachineCpuTest, RefusesWhatIsNoProcStat) {
  EXPECT_THAT(ParseMachineCpu("", 100), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseMachineCpu("cpu 1 2 3\ncpu0 1 2 3\n", 100),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(MachineCpuTest, ReadsThisMachine) {
  const absl::StatusOr<MachineCpu> cpu = ReadMachineCpu();
  ASSERT_THAT(cpu, IsOk());
  EXPECT_GT(cpu->processors, 0);
  EXPECT_GT(cpu->idle, absl::ZeroDuration());
}

TEST(MachineCpuTest, WhatIsNotIdleIsBusy) {
  const MachineCpu before = {absl::Seconds(100), 2, absl::Seconds(1000)};
  const MachineCpu after = {absl::Seconds(115), 2, absl::Seconds(1010)};
  EXPECT_EQ(BusyBetween(before, after), absl::Seconds(5));
}

}  // namespace
}  // namespace cloister::bench
