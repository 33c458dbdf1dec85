// TaskWatch: one reader's bounded queue of task events. It holds no thread: the reader takes what
// is there, and is called once when there is more.
#ifndef CLOISTER_LIBS_ENGINE_TASK_WATCH_H_
#define CLOISTER_LIBS_ENGINE_TASK_WATCH_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/engine/task_machine.h"
#include "libs/engine/task_record.h"

namespace cloister::engine {

struct TaskEvent {
  enum class Kind {
    kSnapshot,  // A task as it was when the watch began, in order of id.
    kSynced,    // The snapshot is complete. No task.
    kChange,    // `change` happened; `task` is as it was right after.
  };
  Kind kind = Kind::kChange;
  TaskChange change = TaskChange::kCreated;
  TaskSnapshot task;
  absl::Time time;
};

// Thread-safe.
class TaskWatch {
 public:
  enum class Poll {
    kEvent,
    kNothing,   // Now `on_ready` will be called, once, when there is something.
    kOverflow,  // More than `limit` changes were waiting: they are gone, nothing more will come.
                // Watch anew.
    kEnd,       // Cancelled, or the one task that was watched is destroyed and that was told.
  };

  // `limit`: most changes that wait for the reader; the snapshot does not count. `on_ready` is
  // called without any lock held, on a thread of the engine's, and must not block.
  TaskWatch(size_t limit, std::function<void()> on_ready);

  Poll Next(TaskEvent* event);

  // No call of on_ready begins after this. One that has begun may still be running: let the
  // callback own (shared) what it touches. May be called from within on_ready, and twice.
  void Cancel();

  // --- For the table that feeds it. ---

  // Before the watch is given to its reader.
  void Preload(std::vector<TaskEvent> events);
  // True: call NotifyReady after all locks are released.
  bool Push(const TaskEvent& event);
  // Nothing comes after what is in the queue. Result as for Push.
  bool End();
  void NotifyReady();
  bool cancelled() const;

 private:
  // Whether the reader sleeps and must be called; it is taken as awake from then on.
  bool TakeArmed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t limit_;
  const std::function<void()> on_ready_;
  mutable absl::Mutex mutex_;
  std::deque<TaskEvent> snapshot_ ABSL_GUARDED_BY(mutex_);
  std::deque<TaskEvent> changes_ ABSL_GUARDED_BY(mutex_);
  bool armed_ ABSL_GUARDED_BY(mutex_) = false;
  bool overflow_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TASK_WATCH_H_
