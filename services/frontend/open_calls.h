// The calls that last: waits, watches, sessions. A server that stops ends them itself, so that its
// drain need not wait for clients who would never go.
#ifndef CLOISTER_SERVICES_FRONTEND_OPEN_CALLS_H_
#define CLOISTER_SERVICES_FRONTEND_OPEN_CALLS_H_

#include <cstddef>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"

namespace cloister::frontend {

class OpenCall {
 public:
  virtual ~OpenCall() = default;
  // Finish soon, with UNAVAILABLE. Must not block, nor call back into OpenCalls.
  virtual void End() = 0;
};

// Thread-safe. Outlives the calls in it.
class OpenCalls {
 public:
  // A call that comes after EndAll() is ended at once.
  void Add(OpenCall* call) {
    absl::MutexLock lock(&mu_);
    calls_.insert(call);
    if (ending_) call->End();
  }
  void Remove(OpenCall* call) {
    absl::MutexLock lock(&mu_);
    calls_.erase(call);
  }
  void EndAll() {
    absl::MutexLock lock(&mu_);
    ending_ = true;
    for (OpenCall* call : calls_) call->End();
  }
  size_t size() const {
    absl::MutexLock lock(&mu_);
    return calls_.size();
  }

 private:
  mutable absl::Mutex mu_;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  std::set<OpenCall*> calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_OPEN_CALLS_H_
