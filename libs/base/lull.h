// Lull: background work that costs whoever waits for something else is put off until nobody does.
//
// A launch and an exit are a chain of wake-ups between processes. A thread that makes or removes
// things in the middle of it does not only take a processor: whoever is woken meanwhile may be put
// behind it, and stays there although another processor is idle.
//
//   Lull lull(&clock);
//   lull.Disturb(absl::Milliseconds(2));   // a launch has come
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
  // `clock` outlives this.
  explicit Lull(const Clock* clock) : clock_(clock) {}

  Lull(const Lull&) = delete;
  Lull& operator=(const Lull&) = delete;

  // Somebody waits for what goes on, which takes about that long from now: until then there is no
  // lull. One that ends later stands.
  void Disturb(absl::Duration length);

  // How long until there is a lull, if nothing disturbs it further; zero in one.
  absl::Duration Ahead() const;

  // Blocks until there is a lull, `urgent` holds, or `patience` has passed. The caller holds
  // `mutex`, which guards what `urgent` reads; it is not held meanwhile.
  void Await(absl::Mutex* mutex, const absl::Condition& urgent, absl::Duration patience) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

 private:
  const Clock* const clock_;
  // When there is a lull, by the monotonic clock.
  std::atomic<int64_t> lull_ns_{0};
};

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_LULL_H_
