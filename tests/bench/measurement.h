// What was measured of one contender in one pattern, on a machine with so many mounts.
#ifndef CLOISTER_TESTS_BENCH_MEASUREMENT_H_
#define CLOISTER_TESTS_BENCH_MEASUREMENT_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace cloister::bench {

struct Measurement {
  std::string contender;
  std::string pattern;
  int extra_mounts = 0;
  // From asking for the start until the exit is known, one for each start.
  std::vector<absl::Duration> latencies;
  // Time on the clock, and processor time of the whole machine beyond what it uses when idle, for
  // all of these starts together with what comes after each (Contender::Forget).
  absl::Duration wall;
  absl::Duration cpu;

  // `share` of the starts took at most this long, e.g. 0.5 or 0.99; nearest rank. Zero without any.
  absl::Duration Quantile(double share) const;
  double StartsPerSecond() const;
  absl::Duration CpuPerStart() const;
};

// nullptr when it was not measured.
const Measurement* Find(const std::vector<Measurement>& measurements, const std::string& contender,
                        const std::string& pattern, int extra_mounts);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_MEASUREMENT_H_
