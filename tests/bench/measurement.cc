#include "tests/bench/measurement.h"

#include <algorithm>
#include <cmath>

namespace cloister::bench {

absl::Duration QuantileOf(std::vector<absl::Duration> durations, double share) {
  if (durations.empty()) return absl::ZeroDuration();
  std::sort(durations.begin(), durations.end());
  const double rank = std::ceil(share * static_cast<double>(durations.size()));
  return durations[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

double Measurement::StartsPerSecond() const {
  return static_cast<double>(times.latencies.size()) / absl::ToDoubleSeconds(wall);
}

absl::Duration Measurement::CpuPerStart() const {
  if (times.latencies.empty()) return absl::ZeroDuration();
  return std::max(cpu, absl::ZeroDuration()) / static_cast<int64_t>(times.latencies.size());
}

const Measurement* Find(const std::vector<Measurement>& measurements, const std::string& contender,
                        const std::string& pattern, int extra_mounts) {
  for (const Measurement& measurement : measurements) {
    if (measurement.contender == contender && measurement.pattern == pattern &&
        measurement.extra_mounts == extra_mounts) {
      return &measurement;
    }
  }
  return nullptr;
}

}  // namespace cloister::bench
