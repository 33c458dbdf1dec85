// OnceEvent: something that happens once, whoever says so first.
#ifndef CLOISTER_LIBS_ENGINE_ONCE_EVENT_H_
#define CLOISTER_LIBS_ENGINE_ONCE_EVENT_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace cloister::engine {

// Thread-safe. Unlike absl::Notification it may be set again: it stays set.
class OnceEvent {
 public:
  void Set() {
    absl::MutexLock lock(&mutex_);
    set_ = true;
  }
  // True if it is set before the time has passed.
  bool WaitFor(absl::Duration patience) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&set_), patience);
  }

 private:
  absl::Mutex mutex_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_ONCE_EVENT_H_
