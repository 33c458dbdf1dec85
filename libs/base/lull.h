// Lull: background work that costs whoever waits for something else is put off until nobody does.
//
// A launch and an exit are a chain of wake-ups between processes. A thread that makes or removes
// things in the middle of it does not only take a processor: whoever is woken meanwhile may be put
// behind it, and stays there although another processor is idle.
//
//   Lull lull(absl::Milliseconds(1), &clock);
//   lull.Disturb();                                   // a launch has come
//   lull.Await(&mutex, absl::Condition(&urgent), absl::Milliseconds(50));  // in the background
#ifndef CLOISTER_LIBS_BASE_LULL_H_
#define CLOISTER_LIBS_BASE_LULL_H_

#include <atomic>
#include <cstdint>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace cloister {

// Thread-safe.
class Lull {
 public:
  // `length` after the last disturbance there is a lull. `clock` outlives this.
  Lull(absl::Duration length, const Clock* clock) : length_(length), clock_(clock) {}

  Lull(const Lull&) = delete;
  Lull& operator=(const Lull&) = delete;

  // Somebody waits for what this thread is about to do. Wait-free.
  void Disturb();

  // How long until there is a lull, if nothing disturbs it further; zero in one.
  absl::Duration Ahead() const;

  // Blocks until there is a lull, `urgent` holds, or `patience` has passed. The caller holds
  // `mutex`, which guards what `urgent` reads; it is not held meanwhile.
  void Await(absl::Mutex* mutex, const absl::Condition& urgent, absl::Duration patience) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

 private:
  const absl::Duration length_;
  const Clock* const clock_;
  // By the monotonic clock; zero: never.
  std::atomic<int64_t> disturbed_ns_{0};
};

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_LULL_H_
