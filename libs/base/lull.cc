#include "libs/base/lull.h"

#include <algorithm>

namespace cloister {

void Lull::Disturb(absl::Duration length) {
  const int64_t lull_ns = absl::ToInt64Nanoseconds(clock_->Monotonic() + length);
  int64_t before = lull_ns_.load(std::memory_order_relaxed);
  while (before < lull_ns &&
         !lull_ns_.compare_exchange_weak(before, lull_ns, std::memory_order_relaxed)) {
  }
}

absl::Duration Lull::Ahead() const {
  const absl::Duration lull = absl::Nanoseconds(lull_ns_.load(std::memory_order_relaxed));
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
