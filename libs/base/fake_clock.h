// A clock that a test moves by hand.

#ifndef CLOISTER_LIBS_BASE_FAKE_CLOCK_H_
#define CLOISTER_LIBS_BASE_FAKE_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace cloister {

// Stands still until told. Thread-safe.
class FakeClock final : public Clock {
 public:
  // Some day in 2026, so that a forgotten conversion shows.
  FakeClock() : FakeClock(absl::FromUnixSeconds(1'780'000'000)) {}
  explicit FakeClock(absl::Time now) : now_(now) {}

  absl::Time Now() const override;
  absl::Duration Monotonic() const override;

  // Lets time pass on both clocks. `elapsed` is not negative.
  void Advance(absl::Duration elapsed);

  // Somebody set the system's clock: the wall time jumps, the monotonic clock does not notice.
  void SetWallTime(absl::Time now);

 private:
  mutable absl::Mutex mu_;
  absl::Time now_ ABSL_GUARDED_BY(mu_);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mu_) = absl::Seconds(1000);
};

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_FAKE_CLOCK_H_
