#include "libs/base/clock.h"

#include <time.h>

#include "absl/time/clock.h"

namespace cloister {

absl::Time RealClock::Now() const { return absl::Now(); }

absl::Duration RealClock::Monotonic() const {
  timespec now;
  // Fails only for a clock id that the kernel does not know.
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace cloister
