// User namespaces of tasks with ranges of ids, made before they are asked for, on a thread of their
// own: making one takes a process that is started and ended (user_namespace.h), which a launch need
// not wait for, as ranges are given out in turn (libs/engine/id_ranges.h) and so the next ones are
// known. A guess that fails costs what was made in vain: a launch that asks for another range makes
// its namespace itself.
#ifndef CLOISTER_LIBS_LAUNCH_NAMESPACES_AHEAD_H_
#define CLOISTER_LIBS_LAUNCH_NAMESPACES_AHEAD_H_

#include <cstdint>
#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/owned_fd.h"

namespace cloister {
namespace launch {

// Thread-safe. The thread is started by the first Take: most nodes have no such tasks.
class NamespacesAhead {
 public:
  // How many ranges after the last one have theirs.
  explicit NamespacesAhead(uint32_t ahead) : ahead_(ahead) {}
  ~NamespacesAhead();

  // The namespace that maps 0 and the ids after it to `first` and those after it, `count` of them,
  // and that no task has had: each is given out once.
  absl::StatusOr<OwnedFd> Take(uint32_t first, uint32_t count) ABSL_LOCKS_EXCLUDED(mutex_);

  // Until those after the last range taken are there, or cannot be made. For tests and benchmarks.
  void AwaitReady() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // The first id of the nearest of the next `ranges` that has none; 0: all have theirs.
  uint32_t Missing(uint32_t ranges) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropFarOnes() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const uint32_t ahead_;
  absl::Mutex mutex_;
  // By the first id; all of `count_` ids.
  std::map<uint32_t, OwnedFd> ready_ ABSL_GUARDED_BY(mutex_);
  // Of the last range that was taken.
  uint32_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  // Somebody waits for all.
  bool awaited_ ABSL_GUARDED_BY(mutex_) = false;
  // None could be made for the ranges after `last_`.
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_NAMESPACES_AHEAD_H_
