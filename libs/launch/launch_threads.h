// The threads that clone tasks. They never end before the process does: a task's parent-death
// signal fires with the thread that made it.
#ifndef CLOISTER_LIBS_LAUNCH_LAUNCH_THREADS_H_
#define CLOISTER_LIBS_LAUNCH_LAUNCH_THREADS_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "libs/launch/launch.h"

namespace cloister {
namespace launch {

// Two groups at most: one for the node's usual tasks, and one for those that are given more or have
// another seccomp profile, or none. Threads of the first one have taken on what their tasks
// inherit: their bounding set is reduced, so that a launch need not drop two dozen capabilities (40
// µs), and they live under the inherited part of the usual seccomp program, so that a launch need
// only close what that leaves open (80 µs less). Thread-safe.
class LaunchThreads {
 public:
  using Result = absl::variant<LaunchedTask, internal::LaunchFailure>;
  using Done = std::function<void(Result result)>;

  // `site` outlives the process's threads; so must *this: it is never destroyed in production.
  LaunchThreads(LaunchSite* site, int threads_per_group)
      : site_(site), threads_per_group_(threads_per_group) {}

  // Makes the group for tasks of this plan's kind, if there is none yet; the first call decides.
  // The calling thread becomes one of them, so that it can launch such tasks itself.
  void Prepare(const internal::LaunchPlan& plan);

  // On the calling thread, which is the one of Prepare and lives as long as the process:
  // for a launch that nobody else waits behind, as waking a launch thread takes longer than it
  // saves.
  Result LaunchHere(LaunchJob job);
  // Whether it may be called for such a task: not before Prepare, and not for an unusual one.
  bool CanLaunchHere(const internal::LaunchPlan& plan) const;

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
    // Empty: its threads have no filter.
    std::string seccomp;
  };

  Group* GroupFor(const internal::LaunchPlan& plan) ABSL_LOCKS_EXCLUDED(mutex_);
  std::unique_ptr<Group> StartGroup(uint64_t bounding, const std::string& seccomp);
  // Of the calling thread, for good.
  void TakeOn(uint64_t bounding, const std::string& seccomp, LaunchThread* thread) const;
  void Run(Group* group);

  LaunchSite* const site_;
  const int threads_per_group_;
  absl::Mutex mutex_;
  std::unique_ptr<Group> usual_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Group> full_ ABSL_GUARDED_BY(mutex_);
  // Of LaunchHere, on its thread only. The group whose kind the thread is of; nullptr: of none yet.
  const Group* here_kind_ = nullptr;
  LaunchThread here_;
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_LAUNCH_THREADS_H_
