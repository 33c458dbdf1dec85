#include "tests/bench/measurement.h"

#include <algorithm>
#include <cmath>

namespace cloister::bench {

absl::Duration Measurement::Quantile(double share) const {
  if (latencies.empty()) return absl::ZeroDuration();
  std::vector<absl::Duration> sorted = latencies;
  std::sort(sorted.begin(), sorted.end());
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

double Measurement::StartsPerSecond() const {
  return static_cast<double>(latencies.size()) / absl::ToDoubleSeconds(wall);
}

absl::Duration Measurement::CpuPerStart() const {
  if (latencies.empty()) return absl::ZeroDuration();
  return std::max(cpu, absl::ZeroDuration()) / static_cast<int64_t>(latencies.size());
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
