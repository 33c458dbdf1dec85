// Cancellation: "no longer wanted", told once to whoever works on something.
#ifndef CLOISTER_LIBS_ENGINE_CANCELLATION_H_
#define CLOISTER_LIBS_ENGINE_CANCELLATION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace cloister::engine {

// Thread-safe.
class Cancellation {
 public:
  // Runs the callbacks on this thread. Again: nothing.
  void Cancel() {
    std::map<uint64_t, std::function<void()>> callbacks;
    {
      absl::MutexLock lock(&mutex_);
      if (std::exchange(cancelled_, true)) return;
      callbacks.swap(callbacks_);
    }
    for (auto& entry : callbacks) entry.second();
  }

  bool cancelled() const {
    absl::MutexLock lock(&mutex_);
    return cancelled_;
  }

  // Called once, with Cancel, or at once where that has been; must not block. It may still be
  // running when Remove returns: let it own (shared) what it touches.
  uint64_t Add(std::function<void()> callback) {
    {
      absl::MutexLock lock(&mutex_);
      if (!cancelled_) {
        callbacks_.emplace(++last_, std::move(callback));
        return last_;
      }
    }
    callback();
    return 0;
  }
  void Remove(uint64_t id) {
    absl::MutexLock lock(&mutex_);
    callbacks_.erase(id);
  }

 private:
  mutable absl::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, std::function<void()>> callbacks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_CANCELLATION_H_
