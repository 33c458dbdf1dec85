// TaskMachine: the life of a task as a table, phase x input -> phase and events. Pure: no clock, no
// lock, no I/O.
//
// The events come in the order that WatchTasksResponse promises
// (proto/cloister/v1/task_service.proto): CREATED, PROGRESS, STARTED, STOPPING, ENDED, DESTROYED;
// none but PROGRESS twice, none out of order, whatever order the inputs come in.
#ifndef CLOISTER_LIBS_ENGINE_TASK_MACHINE_H_
#define CLOISTER_LIBS_ENGINE_TASK_MACHINE_H_

#include <array>
#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cloister/v1/task.pb.h"

namespace cloister::engine {

// One step finer than v1::TaskState: a stop that is asked for before the exec is known is
// remembered, so that STOPPING is told after STARTED.
enum class TaskPhase {
  kPending,       // Accepted; nothing of it runs.
  kPendingStop,   // The same, and a stop was asked for.
  kStarting,      // A launcher has been told.
  kStartingStop,  // The same, and a stop was asked for.
  kRunning,       // The payload's exec is done.
  kStopping,      // A stop was asked for.
  kExited,        // It has ended, or never came to an exec; how is known.
  kLost,          // It does not run; how it ended is not known.
  kDestroyed,     // Forgotten.
};
inline constexpr size_t kTaskPhaseCount = 9;

enum class TaskInput {
  kLaunch,        // The plan is about to be sent to a launcher.
  kLaunched,      // Launcher: the payload's exec is done.
  kLaunchFailed,  // There was no exec and nothing is left.
  kStop,          // A stop is asked for.
  kExited,        // Launcher: the payload has ended (so there was an exec).
  kLose,          // The launcher or the machine died.
  kDestroy,       // The object goes away.
};
inline constexpr size_t kTaskInputCount = 7;

// Values grow in the order in which the events of one task come.
// kProgress alone may come any number of times: it is no transition (TaskTable::Progress).
enum class TaskChange { kCreated, kProgress, kStarted, kStopping, kEnded, kDestroyed };

struct TaskTransition {
  enum class Verdict {
    kMoves,    // To `next`, with `events`.
    kIgnored,  // A repetition, or news that comes too late: no change, no event, no error.
    kRefused,  // Cannot be: of the caller's request (destroy of a live task) or of a launcher that
               // breaks its protocol.
  };
  Verdict verdict = Verdict::kRefused;
  // The old phase unless verdict is kMoves.
  TaskPhase next = TaskPhase::kPending;
  std::array<TaskChange, 3> changes = {};
  size_t change_count = 0;

  absl::Span<const TaskChange> events() const { return {changes.data(), change_count}; }
};

// A new task is in kPending, with the one event kCreated.
TaskTransition NextPhase(TaskPhase phase, TaskInput input);

// What the API calls the phase. kDestroyed has no state there: the last one is kept by the caller.
v1::TaskState PublicState(TaskPhase phase);

// Its processes may exist, or come to exist.
bool IsLive(TaskPhase phase);
// kExited or kLost.
bool HasEnded(TaskPhase phase);

absl::string_view Name(TaskPhase phase);
absl::string_view Name(TaskInput input);

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TASK_MACHINE_H_
