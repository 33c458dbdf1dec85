// LateCloser: closes descriptors whose close takes long, on a thread of its own: the last one of a
// mount namespace takes down its mounts and waits for an RCU grace period. Nobody waits for that,
// so it is done in a lull.
#ifndef CLOISTER_LIBS_SUPERVISE_LATE_CLOSER_H_
#define CLOISTER_LIBS_SUPERVISE_LATE_CLOSER_H_

#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/lull.h"
#include "libs/base/owned_fd.h"

namespace cloister {
namespace supervise {

// Thread-safe.
class LateCloser {
 public:
  // `lull` outlives this.
  explicit LateCloser(const Lull* lull);
  // Closes what it still has.
  ~LateCloser();
  LateCloser(const LateCloser&) = delete;
  LateCloser& operator=(const LateCloser&) = delete;

  // Soon. An invalid one is no work.
  void Close(OwnedFd fd) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  const Lull* const lull_;
  absl::Mutex mutex_;
  std::vector<OwnedFd> waiting_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace supervise
}  // namespace cloister

#endif  // CLOISTER_LIBS_SUPERVISE_LATE_CLOSER_H_
