#include "libs/base/fake_clock.h"

#include <cassert>

namespace cloister {

absl::Time FakeClock::Now() const {
  absl::MutexLock lock(&mu_);
  return now_;
}

absl::Duration FakeClock::Monotonic() const {
  absl::MutexLock lock(&mu_);
  return monotonic_;
}

void FakeClock::Advance(absl::Duration elapsed) {
  assert(elapsed >= absl::ZeroDuration());
  absl::MutexLock lock(&mu_);
  now_ += elapsed;
  monotonic_ += elapsed;
}

void FakeClock::SetWallTime(absl::Time now) {
  absl::MutexLock lock(&mu_);
  now_ = now;
}

}  // namespace cloister
