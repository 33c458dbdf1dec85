#include "tests/bench/measurement.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::bench {
namespace {

Measurement OfMilliseconds(int first, int last) {
  Measurement measurement;
  // Not sorted.
  for (int i = last; i >= first; --i) measurement.times.latencies.push_back(absl::Milliseconds(i));
  return measurement;
}

TEST(MeasurementTest, QuantilesAreTheNearestRank) {
  const Measurement hundred = OfMilliseconds(1, 100);
  EXPECT_EQ(hundred.Quantile(0.5), absl::Milliseconds(50));
  EXPECT_EQ(hundred.Quantile(0.99), absl::Milliseconds(99));
  EXPECT_EQ(hundred.Quantile(1), absl::Milliseconds(100));
  EXPECT_EQ(OfMilliseconds(7, 7).Quantile(0.5), absl::Milliseconds(7));
  EXPECT_EQ(OfMilliseconds(1, 10).Quantile(0.99), absl::Milliseconds(10));
  EXPECT_EQ(Measurement().Quantile(0.5), absl::ZeroDuration());
}

TEST(MeasurementTest, RateAndProcessorTimeAreOverAllStarts) {
  Measurement measurement = OfMilliseconds(1, 10);
  measurement.wall = absl::Milliseconds(100);
  measurement.cpu = absl::Milliseconds(20);
  EXPECT_EQ(measurement.StartsPerSecond(), 100);
  EXPECT_EQ(measurement.CpuPerStart(), absl::Milliseconds(2));
  // The machine was less busy than when idle: noise, not a negative cost.
  measurement.cpu = -absl::Milliseconds(20);
  EXPECT_EQ(measurement.CpuPerStart(), absl::ZeroDuration());
}

TEST(MeasurementTest, IsFoundByAllThreeKeys) {
  std::vector<Measurement> measurements(2);
  measurements[0].contender = measurements[1].contender = "crun";
  measurements[0].pattern = measurements[1].pattern = "tight";
  measurements[1].extra_mounts = 1000;
  EXPECT_EQ(Find(measurements, "crun", "tight", 1000), &measurements[1]);
  EXPECT_EQ(Find(measurements, "runc", "tight", 1000), nullptr);
  EXPECT_EQ(Find(measurements, "crun", "apart", 1000), nullptr);
}

}  // namespace
}  // namespace cloister::bench
