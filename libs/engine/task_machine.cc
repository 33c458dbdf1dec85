#include "libs/engine/task_machine.h"

namespace cloister::engine {
namespace {

constexpr TaskTransition Ignored() { return {TaskTransition::Verdict::kIgnored}; }
constexpr TaskTransition Refused() { return {TaskTransition::Verdict::kRefused}; }
constexpr TaskTransition To(TaskPhase next) { return {TaskTransition::Verdict::kMoves, next}; }
constexpr TaskTransition To(TaskPhase next, TaskChange a) {
  return {TaskTransition::Verdict::kMoves, next, {a}, 1};
}
constexpr TaskTransition To(TaskPhase next, TaskChange a, TaskChange b) {
  return {TaskTransition::Verdict::kMoves, next, {a, b}, 2};
}
constexpr TaskTransition To(TaskPhase next, TaskChange a, TaskChange b, TaskChange c) {
  return {TaskTransition::Verdict::kMoves, next, {a, b, c}, 3};
}

constexpr TaskPhase kPendingStop = TaskPhase::kPendingStop;
constexpr TaskPhase kStarting = TaskPhase::kStarting;
constexpr TaskPhase kStartingStop = TaskPhase::kStartingStop;
constexpr TaskPhase kRunning = TaskPhase::kRunning;
constexpr TaskPhase kStopping = TaskPhase::kStopping;
constexpr TaskPhase kExited = TaskPhase::kExited;
constexpr TaskPhase kLost = TaskPhase::kLost;
constexpr TaskPhase kDestroyed = TaskPhase::kDestroyed;

constexpr TaskChange kStarted = TaskChange::kStarted;
constexpr TaskChange kStops = TaskChange::kStopping;
constexpr TaskChange kEnded = TaskChange::kEnded;
constexpr TaskChange kGone = TaskChange::kDestroyed;

// Rows in the order of TaskPhase, columns in that of TaskInput. An exit that overtakes its Launched
// implies the exec, so it brings STARTED with it; a stop that came before the exec is told right
// after STARTED, or before ENDED without it.
constexpr TaskTransition kTable[kTaskPhaseCount][kTaskInputCount] = {
    {
        // kPending
        To(kStarting),        // kLaunch
        Refused(),            // kLaunched
        To(kExited, kEnded),  // kLaunchFailed
        To(kPendingStop),     // kStop
        Refused(),            // kExited
        To(kLost, kEnded),    // kLose
        Refused(),            // kDestroy
    },
    {
        // kPendingStop
        To(kStartingStop),            // kLaunch: the stop follows the launch on the same socket
        Refused(),                    // kLaunched
        To(kExited, kStops, kEnded),  // kLaunchFailed
        Ignored(),                    // kStop
        Refused(),                    // kExited
        To(kLost, kStops, kEnded),    // kLose
        Refused(),                    // kDestroy
    },
    {
        // kStarting
        Refused(),                      // kLaunch
        To(kRunning, kStarted),         // kLaunched
        To(kExited, kEnded),            // kLaunchFailed
        To(kStartingStop),              // kStop
        To(kExited, kStarted, kEnded),  // kExited
        To(kLost, kEnded),              // kLose
        Refused(),                      // kDestroy
    },
    {
        // kStartingStop
        Refused(),                              // kLaunch
        To(kStopping, kStarted, kStops),        // kLaunched
        To(kExited, kStops, kEnded),            // kLaunchFailed
        Ignored(),                              // kStop
        To(kExited, kStarted, kStops, kEnded),  // kExited
        To(kLost, kStops, kEnded),              // kLose
        Refused(),                              // kDestroy
    },
    {
        // kRunning
        Refused(),              // kLaunch
        Ignored(),              // kLaunched
        Refused(),              // kLaunchFailed
        To(kStopping, kStops),  // kStop
        To(kExited, kEnded),    // kExited
        To(kLost, kEnded),      // kLose
        Refused(),              // kDestroy
    },
    {
        // kStopping
        Refused(),            // kLaunch
        Ignored(),            // kLaunched
        Refused(),            // kLaunchFailed
        Ignored(),            // kStop
        To(kExited, kEnded),  // kExited
        To(kLost, kEnded),    // kLose
        Refused(),            // kDestroy
    },
    {
        // kExited
        Refused(),              // kLaunch
        Ignored(),              // kLaunched
        Ignored(),              // kLaunchFailed
        Ignored(),              // kStop
        Ignored(),              // kExited
        Ignored(),              // kLose
        To(kDestroyed, kGone),  // kDestroy
    },
    {
        // kLost: final, also when an exit turns up afterwards; what was told stays true
        Refused(),              // kLaunch
        Ignored(),              // kLaunched
        Ignored(),              // kLaunchFailed
        Ignored(),              // kStop
        Ignored(),              // kExited
        Ignored(),              // kLose
        To(kDestroyed, kGone),  // kDestroy
    },
    {
        // kDestroyed
        Refused(),  // kLaunch
        Ignored(),  // kLaunched
        Ignored(),  // kLaunchFailed
        Ignored(),  // kStop
        Ignored(),  // kExited
        Ignored(),  // kLose
        Ignored(),  // kDestroy
    },
};

}  // namespace

TaskTransition NextPhase(TaskPhase phase, TaskInput input) {
  TaskTransition transition = kTable[static_cast<size_t>(phase)][static_cast<size_t>(input)];
  if (transition.verdict != TaskTransition::Verdict::kMoves) transition.next = phase;
  return transition;
}

v1::TaskState PublicState(TaskPhase phase) {
  switch (phase) {
    case TaskPhase::kPending:
    case TaskPhase::kPendingStop:
      return v1::TASK_STATE_PENDING;
    case TaskPhase::kStarting:
    case TaskPhase::kStartingStop:
      return v1::TASK_STATE_STARTING;
    case TaskPhase::kRunning:
      return v1::TASK_STATE_RUNNING;
    case TaskPhase::kStopping:
      return v1::TASK_STATE_STOPPING;
    case TaskPhase::kExited:
      return v1::TASK_STATE_EXITED;
    case TaskPhase::kLost:
      return v1::TASK_STATE_LOST;
    case TaskPhase::kDestroyed:
      return v1::TASK_STATE_UNSPECIFIED;
  }
  return v1::TASK_STATE_UNSPECIFIED;
}

bool HasEnded(TaskPhase phase) { return phase == TaskPhase::kExited || phase == TaskPhase::kLost; }

bool IsLive(TaskPhase phase) { return !HasEnded(phase) && phase != TaskPhase::kDestroyed; }

absl::string_view Name(TaskPhase phase) {
  constexpr absl::string_view kNames[kTaskPhaseCount] = {"pending",  "pending, stop asked for",
                                                         "starting", "starting, stop asked for",
                                                         "running",  "stopping",
                                                         "exited",   "lost",
                                                         "destroyed"};
  return kNames[static_cast<size_t>(phase)];
}

absl::string_view Name(TaskInput input) {
  constexpr absl::string_view kNames[kTaskInputCount] = {
      "launch", "launched", "launch failed", "stop", "exited", "lose", "destroy"};
  return kNames[static_cast<size_t>(input)];
}

}  // namespace cloister::engine
