// TaskTable: all tasks of a node, by id, with whoever waits for them. It owns the order of things:
// every change goes through the task's machine under one lock, gets the node's next revision, and
// is queued to watchers before the lock is released. Callbacks run after it, on the thread that
// made the change.
#ifndef CLOISTER_LIBS_ENGINE_TASK_TABLE_H_
#define CLOISTER_LIBS_ENGINE_TASK_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/clock.h"
#include "libs/engine/task_machine.h"
#include "libs/engine/task_record.h"
#include "libs/engine/task_watch.h"

namespace cloister::engine {

// What live tasks may hold of the node together.
struct TaskCapacity {
  int64_t tasks = 0;
  int64_t memory_mib = 0;
};

// What a wait is for.
enum class Until {
  // The start is decided: the exec is done, or the task has ended (lost included), or, where no
  // object stays after a failed start, all of it is removed, or that lasts.
  kSettled,
  kEnded,
  kDestroyed,
};

// Gets the record as it was when the condition came true. Must not block.
using TaskCallback = absl::AnyInvocable<void(const TaskRecord&) &&>;

struct WaitTicket {
  std::string task_id;
  uint64_t number = 0;
};

// Thread-safe.
class TaskTable {
 public:
  // `clock` outlives the table.
  TaskTable(TaskCapacity capacity, const Clock* clock);

  // Adds a new task (kPending, CREATED is told), or gives the one that has this id already:
  // `record` is then the existing one. RESOURCE_EXHAUSTED (TOO_MANY_TASKS, NODE_MEMORY_EXHAUSTED)
  // when the node is full.
  struct Admission {
    bool added = false;
    TaskRecord record;
  };
  absl::StatusOr<Admission> Add(TaskRecord record);

  // Adds a task in whatever phase it was recovered in; counted, never refused, and no event is
  // told. For the time before the first watcher.
  void AddRecovered(TaskRecord record);

  // Gives `input` to the task's machine. If it moves, `edit` completes the record and the task that
  // will be read back (state and revision are set by the table), and events go out. The result's
  // `moved` is false for an ignored input, and `edit` is then not called. NOT_FOUND;
  // FAILED_PRECONDITION if the machine refuses. `edit` runs under the lock: it must not block.
  struct Change {
    bool moved = false;
    TaskRecord record;
  };
  using Edit = absl::FunctionRef<void(TaskRecord& record, v1::Task& task)>;
  absl::StatusOr<Change> Apply(absl::string_view task_id, TaskInput input, Edit edit);
  absl::StatusOr<Change> Apply(absl::string_view task_id, TaskInput input);

  // Changes what is not read back: no revision, no event. The record must keep phase and task.
  // NOT_FOUND.
  absl::StatusOr<TaskRecord> Amend(absl::string_view task_id,
                                   absl::FunctionRef<void(TaskRecord& record)> edit);

  // Changes what is read back of a task that waits for its launch: a new revision, and kProgress is
  // told. Of any other: nothing. `edit` runs under the lock: it must not block.
  void Progress(absl::string_view task_id, absl::FunctionRef<void(v1::Task& task)> edit);

  absl::StatusOr<TaskRecord> Find(absl::string_view task_id) const;

  // Tasks with an id greater than `after`, in order of id, that `wanted` accepts; at most `limit`.
  std::vector<TaskSnapshot> List(absl::string_view after, size_t limit,
                                 absl::FunctionRef<bool(const v1::Task&)> wanted) const;
  // Ids of the tasks of one launcher that have not ended.
  std::vector<std::string> LiveTasksOf(absl::string_view launcher) const;

  // What live tasks hold.
  TaskCapacity Held() const;
  const TaskCapacity& capacity() const { return capacity_; }

  // Calls `callback` once, on this thread if the condition holds already. NOT_FOUND.
  absl::StatusOr<WaitTicket> Wait(absl::string_view task_id, Until until, TaskCallback callback);
  // True: the callback has not run and never will. False: it has run, is running or will.
  bool CancelWait(const WaitTicket& ticket);

  // Snapshot, SYNCED, then changes; of one task (then kEnd follows its destruction) or, with an
  // empty id, of all. NOT_FOUND. At most `limit` changes wait for the reader. The reader that lets
  // go of the watch has cancelled it.
  absl::StatusOr<std::shared_ptr<TaskWatch>> Watch(absl::string_view task_id,
                                                   std::function<void()> on_ready, size_t limit);

 private:
  struct Waiter {
    Until until;
    TaskCallback callback;
  };
  struct Entry {
    TaskRecord record;
    std::map<uint64_t, Waiter> waiters;
    std::vector<std::weak_ptr<TaskWatch>> watches;
  };
  // What has to be called when the lock is released.
  struct Calls {
    std::vector<std::pair<TaskCallback, TaskRecord>> waiters;
    std::vector<std::shared_ptr<TaskWatch>> watches;
    // Perhaps the last references: what a watch's callback owns may do anything in its destructor.
    std::vector<std::shared_ptr<TaskWatch>> dropped;
    void Run() &&;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  absl::Status CheckRoom(const TaskRecord& record) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes `sign` (1 or -1) times what the task holds.
  void Account(const TaskRecord& record, int sign) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tell(Entry& entry, TaskChange change, Calls* calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeWaiters(Entry& entry, Calls* calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TaskCapacity capacity_;
  const Clock* const clock_;
  mutable absl::Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<TaskWatch>> watches_ ABSL_GUARDED_BY(mutex_);
  TaskCapacity held_ ABSL_GUARDED_BY(mutex_);
  uint64_t revision_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t next_ticket_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TASK_TABLE_H_
