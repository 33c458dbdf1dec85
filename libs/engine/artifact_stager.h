// ArtifactStager: has a task's artifacts provided, several at once, tells how far they are, and
// says how they come into the task's root. What is cached is there at once, on the caller's thread;
// the others are fetched on threads of its own.
#ifndef CLOISTER_LIBS_ENGINE_ARTIFACT_STAGER_H_
#define CLOISTER_LIBS_ENGINE_ARTIFACT_STAGER_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/clock.h"
#include "libs/base/owned_fd.h"
#include "libs/engine/artifact_provider.h"
#include "libs/engine/cancellation.h"
#include "libs/engine/task_table.h"

namespace cloister::engine {

struct StagingLimits {
  // Artifacts that are fetched at once: of one task, and of all. One tenant has three quarters of
  // that at most, at least one, so that its slow servers do not stop everybody's starts.
  int parallel_of_task = 3;
  int parallel = 16;
  // Least time between two events of one task's progress.
  absl::Duration pace = absl::Milliseconds(250);
};

struct StagingOrder {
  std::string task_id;
  std::string tenant;
  std::shared_ptr<const internal::LaunchPlan> plan;
  // The task's directory on the node.
  OwnedFd directory;
};

// Thread-safe.
class ArtifactStager {
 public:
  // All of it outlives the stager.
  ArtifactStager(StagingLimits limits, ArtifactProvider* provider, TaskTable* table,
                 const Clock* clock);
  // Cancels what is on its way and waits for it; whoever waits gets CANCELLED.
  ~ArtifactStager();
  ArtifactStager(const ArtifactStager&) = delete;
  ArtifactStager& operator=(const ArtifactStager&) = delete;

  // The mounts that the plan gets. Errors name the artifact: "artifacts[1] 'https://...': ...".
  using Done = absl::AnyInvocable<void(absl::StatusOr<std::vector<internal::Mount>>) &&>;

  // Calls `done` once, here or on a thread of its own, when all are there or one has failed. The
  // task is in the table, and pending. Cancel the result to have it end: CANCELLED.
  std::shared_ptr<Cancellation> Stage(StagingOrder order, Done done);

 private:
  struct Staging;

  void Run();
  // Of what waits, the first of the tenant that has least on its way, if it may have more; else the
  // end of the queue.
  std::deque<std::shared_ptr<Staging>>::iterator NextInTurn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enqueue(std::shared_ptr<Staging> staging, size_t runners);
  // Takes one artifact after another of a task until none is left.
  void Work(const std::shared_ptr<Staging>& staging);
  // False: another fetches the same. Then the artifact is done again when that has ended, and holds
  // no thread until then.
  bool ProvideOne(const std::shared_ptr<Staging>& staging, size_t index);
  void Finish(Staging& staging);
  void Tell(Staging& staging, bool at_once);

  const StagingLimits limits_;
  ArtifactProvider* const provider_;
  TaskTable* const table_;
  const Clock* const clock_;
  absl::Mutex mutex_;
  std::deque<std::shared_ptr<Staging>> queue_ ABSL_GUARDED_BY(mutex_);
  // Threads that work for a tenant.
  std::map<std::string, int> busy_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<Staging>> on_way_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  int idle_ ABSL_GUARDED_BY(mutex_) = 0;
};

// How an artifact is called in messages: "artifacts[1] 'https://host/path'".
std::string ArtifactWords(size_t index, const internal::ArtifactPlan& plan);

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_ARTIFACT_STAGER_H_
