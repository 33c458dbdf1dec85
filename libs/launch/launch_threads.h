// The threads that clone tasks. They never end before the process does: a task's parent-death
// signal fires with the thread that made it.
#ifndef CLOISTER_LIBS_LAUNCH_LAUNCH_THREADS_H_
#define CLOISTER_LIBS_LAUNCH_LAUNCH_THREADS_H_

#include <deque>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "libs/launch/launch.h"

namespace cloister {
namespace launch {

// Two groups at most: one whose bounding set was reduced once to what the node's tasks usually get,
// so that a launch need not drop two dozen capabilities (40 µs), and one with the full set for
// tasks that were given more. Thread-safe.
class LaunchThreads {
 public:
  using Result = absl::variant<LaunchedTask, internal::LaunchFailure>;
  using Done = std::function<void(Result result)>;

  // `site` outlives the process's threads; so must *this: it is never destroyed in production.
  LaunchThreads(LaunchSite* site, int threads_per_group)
      : site_(site), threads_per_group_(threads_per_group) {}

  // Makes a group for this bounding set, if there is none yet; the first call decides. The calling
  // thread's own is reduced as well, so that it can launch such tasks itself.
  void PrepareBounding(uint64_t bounding);

  // On the calling thread, which is the one of PrepareBounding and lives as long as the process:
  // for a launch that nobody else waits behind, as waking a launch thread takes longer than it
  // saves.
  Result LaunchHere(LaunchJob job);
  // Whether it may be called for such a task: not before PrepareBounding, and not for one that is
  // given more.
  bool CanLaunchHere(uint64_t bounding) const {
    return prepared_ && (bounding & ~here_.bounding) == 0;
  }

  // `done` runs on a launch thread.
  void Submit(LaunchJob job, Done done);

 private:
  struct Work {
    LaunchJob job;
    Done done;
  };
  struct Group {
    absl::Mutex mutex;
    std::deque<Work> queue ABSL_GUARDED_BY(mutex);
    uint64_t bounding = 0;
  };

  Group* GroupFor(uint64_t bounding) ABSL_LOCKS_EXCLUDED(mutex_);
  std::unique_ptr<Group> StartGroup(uint64_t bounding);
  void Run(Group* group);

  LaunchSite* const site_;
  const int threads_per_group_;
  absl::Mutex mutex_;
  std::unique_ptr<Group> usual_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Group> full_ ABSL_GUARDED_BY(mutex_);
  // Of LaunchHere, on its thread only.
  bool prepared_ = false;
  LaunchThread here_;
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_LAUNCH_THREADS_H_
