// TaskDestroyer: takes ended tasks apart on a thread of its own: has the launcher forget them,
// removes their directories, then the objects. A crash midway is finished at the next start; what
// fails for want of descriptors or memory is tried until there are some.
#ifndef CLOISTER_LIBS_ENGINE_TASK_DESTROYER_H_
#define CLOISTER_LIBS_ENGINE_TASK_DESTROYER_H_

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/engine/artifact_provider.h"
#include "libs/engine/launcher_pool.h"
#include "libs/engine/task_files.h"
#include "libs/engine/task_table.h"
#include "libs/state/tree_removal.h"

namespace cloister::engine {

// Thread-safe.
class TaskDestroyer {
 public:
  // All of it outlives the destroyer; `artifacts` may be null. `on_trouble` hears of removals that
  // failed with nobody waiting for them.
  TaskDestroyer(TaskTable* table, LauncherPool* pool, const TaskFiles* files,
                ArtifactProvider* artifacts, std::function<void(const absl::Status&)> on_trouble);
  // Finishes the removal that is under way; the others are finished at the next start of the
  // executor. Whoever waits gets UNAVAILABLE.
  ~TaskDestroyer();
  TaskDestroyer(const TaskDestroyer&) = delete;
  TaskDestroyer& operator=(const TaskDestroyer&) = delete;

  using Callback = absl::AnyInvocable<void(absl::Status) &&>;

  // Removes the task, and answers when nothing of it is left. With `force` a live one is killed
  // first; without it that is FAILED_PRECONDITION (TASK_LIVE). NOT_FOUND. Any number of destroys of
  // one task may wait for the same removal.
  void Destroy(const std::string& task_id, bool force, Callback done);

  // Removes a task whose start has failed and that nobody was promised. Its record says
  // `destroying` already.
  void RemoveFailedStart(const std::string& task_id);

  // Clears away the directory of what is no task any more, or never was.
  void RemoveLeftover(const std::string& task_id);

 private:
  struct Work {
    std::string task_id;
    bool leftover = false;
    // It has lacked something before.
    bool lingers = false;
  };

  void Run();
  void Enqueue(Work work);
  // The next one, when there is one; false: the destroyer ends.
  bool Next(Work* work);
  // One slice of it.
  enum class Outcome { kDone, kMore, kShortage };
  Outcome DoSome(const Work& work);
  absl::StatusOr<state::Removal> Remove(const std::string& task_id, const TaskRecord& record);
  void Kill(const std::string& task_id);
  void Finish(const std::string& task_id, const absl::Status& status);
  // Tells who waits why it lasts, and that it does.
  void Linger(const Work& work, const absl::Status& status);
  // Who waits; nobody does: `on_trouble`, of what is new.
  void Tell(const std::string& task_id, const absl::Status& status, bool is_new);

  TaskTable* const table_;
  LauncherPool* const pool_;
  const TaskFiles* const files_;
  ArtifactProvider* const artifacts_;
  const std::function<void(const absl::Status&)> on_trouble_;
  absl::Mutex mutex_;
  std::map<std::string, std::vector<Callback>> waiting_ ABSL_GUARDED_BY(mutex_);
  // A removal that takes long goes back to its end, so that one tenant's tree does not hold up the
  // others.
  std::deque<Work> queue_ ABSL_GUARDED_BY(mutex_);
  // Those that lacked something, until the next round of them.
  std::deque<Work> short_ ABSL_GUARDED_BY(mutex_);
  absl::Time next_round_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TASK_DESTROYER_H_
