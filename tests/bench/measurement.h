// What was measured of one contender in one pattern, on a machine with so many mounts.
#ifndef CLOISTER_TESTS_BENCH_MEASUREMENT_H_
#define CLOISTER_TESTS_BENCH_MEASUREMENT_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace cloister::bench {

// Of starts that were made, in the same order.
struct StartTimes {
  // From asking for the start until the exit is known.
  std::vector<absl::Duration> latencies;
  // What comes after that (Contender::Forget).
  std::vector<absl::Duration> afterwards;
};

// `share` of the durations are at most this long, e.g. 0.5 or 0.99; nearest rank. Zero without any.
absl::Duration QuantileOf(std::vector<absl::Duration> durations, double share);

struct Measurement {
  std::string contender;
  std::string pattern;
  int extra_mounts = 0;
  StartTimes times;
  // Time on the clock, and processor time of the whole machine beyond what it uses when idle, for
  // all of these starts together with what comes after each.
  absl::Duration wall;
  absl::Duration cpu;

  // Of the latencies.
  absl::Duration Quantile(double share) const { return QuantileOf(times.latencies, share); }
  double StartsPerSecond() const;
  absl::Duration CpuPerStart() const;
};

// nullptr when it was not measured.
const Measurement* Find(const std::vector<Measurement>& measurements, const std::string& contender,
                        const std::string& pattern, int extra_mounts);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_MEASUREMENT_H_
