// Time as a dependency: what decides by time takes a Clock, and its test moves a FakeClock.

#ifndef CLOISTER_LIBS_BASE_CLOCK_H_
#define CLOISTER_LIBS_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace cloister {

// Thread-safe. Pass as `const Clock*`; the owner outlives the user.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall time, for what people read and for records. It can jump either way.
  virtual absl::Time Now() const = 0;

  // Time since an arbitrary point of this boot, for deadlines and durations. It never goes back,
  // stands still while the machine is suspended (CLOCK_MONOTONIC, clock_gettime(2)), and means
  // nothing to another machine or after a reboot.
  virtual absl::Duration Monotonic() const = 0;
};

// The kernel's clocks.
class RealClock final : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
};

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_CLOCK_H_
