// OnceCall: a callback that is called once, by whoever is first, and let go of then.
#ifndef CLOISTER_LIBS_ENGINE_ONCE_CALL_H_
#define CLOISTER_LIBS_ENGINE_ONCE_CALL_H_

#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace cloister::engine {

// Thread-safe.
class OnceCall {
 public:
  explicit OnceCall(std::function<void()> callback) : callback_(std::move(callback)) {}

  // Again: nothing, and does not wait for the first.
  void Run() {
    std::function<void()> callback;
    {
      absl::MutexLock lock(&mutex_);
      callback.swap(callback_);
    }
    if (callback != nullptr) callback();
  }

 private:
  absl::Mutex mutex_;
  std::function<void()> callback_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_ONCE_CALL_H_
