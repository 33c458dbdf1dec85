#include "libs/base/lull.h"

#include <algorithm>

namespace cloister {

void Lull::Disturb() {
  disturbed_ns_.store(absl::ToInt64Nanoseconds(clock_->Monotonic()), std::memory_order_relaxed);
}

absl::Duration Lull::Ahead() const {
  const int64_t disturbed_ns = disturbed_ns_.load(std::memory_order_relaxed);
  if (disturbed_ns == 0) return absl::ZeroDuration();
  const absl::Duration lull = absl::Nanoseconds(disturbed_ns) + length_;
  return std::max(absl::ZeroDuration(), lull - clock_->Monotonic());
}

void Lull::Await(absl::Mutex* mutex, const absl::Condition& urgent, absl::Duration patience) const {
  const absl::Duration end = clock_->Monotonic() + patience;
  while (true) {
    const absl::Duration rest = std::min(Ahead(), end - clock_->Monotonic());
    if (rest <= absl::ZeroDuration() || mutex->AwaitWithTimeout(urgent, rest)) return;
  }
}

}  // namespace cloister
