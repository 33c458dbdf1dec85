#include "libs/engine/task_machine.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::engine {
namespace {

constexpr TaskPhase kAllPhases[] = {
    TaskPhase::kPending,      TaskPhase::kPendingStop, TaskPhase::kStarting,
    TaskPhase::kStartingStop, TaskPhase::kRunning,     TaskPhase::kStopping,
    TaskPhase::kExited,       TaskPhase::kLost,        TaskPhase::kDestroyed};
constexpr TaskInput kAllInputs[] = {
    TaskInput::kLaunch, TaskInput::kLaunched, TaskInput::kLaunchFailed, TaskInput::kStop,
    TaskInput::kExited, TaskInput::kLose,     TaskInput::kDestroy};

std::string Word(TaskChange change) {
  constexpr const char* kWords[] = {"CREATED",  "PROGRESS", "STARTED",
                                    "STOPPING", "ENDED",    "DESTROYED"};
  return kWords[static_cast<size_t>(change)];
}

// "exited: STARTED ENDED", "ignored" or "refused".
std::string InWords(const TaskTransition& transition) {
  switch (transition.verdict) {
    case TaskTransition::Verdict::kIgnored:
      return "ignored";
    case TaskTransition::Verdict::kRefused:
      return "refused";
    case TaskTransition::Verdict::kMoves:
      break;
  }
  std::string words = absl::StrCat(Name(transition.next), ":");
  for (TaskChange change : transition.events()) absl::StrAppend(&words, " ", Word(change));
  return words;
}

struct Row {
  TaskPhase phase;
  // One for each of kAllInputs.
  std::vector<std::string> cells;
};

TEST(TaskMachine, EveryCellIsAsDocumented) {
  // Columns: launch, launched, launch failed, stop, exited, lose, destroy.
  const std::vector<Row> rows = {
      {TaskPhase::kPending,
       {"starting:", "refused", "exited: ENDED", "pending, stop asked for:", "refused",
        "lost: ENDED", "refused"}},
      {TaskPhase::kPendingStop,
       {"starting, stop asked for:", "refused", "exited: STOPPING ENDED", "ignored", "refused",
        "lost: STOPPING ENDED", "refused"}},
      {TaskPhase::kStarting,
       {"refused", "running: STARTED", "exited: ENDED",
        "starting, stop asked for:", "exited: STARTED ENDED", "lost: ENDED", "refused"}},
      {TaskPhase::kStartingStop,
       {"refused", "stopping: STARTED STOPPING", "exited: STOPPING ENDED", "ignored",
        "exited: STARTED STOPPING ENDED", "lost: STOPPING ENDED", "refused"}},
      {TaskPhase::kRunning,
       {"refused", "ignored", "refused", "stopping: STOPPING", "exited: ENDED", "lost: ENDED",
        "refused"}},
      {TaskPhase::kStopping,
       {"refused", "ignored", "refused", "ignored", "exited: ENDED", "lost: ENDED", "refused"}},
      {TaskPhase::kExited,
       {"refused", "ignored", "ignored", "ignored", "ignored", "ignored", "destroyed: DESTROYED"}},
      {TaskPhase::kLost,
       {"refused", "ignored", "ignored", "ignored", "ignored", "ignored", "destroyed: DESTROYED"}},
      {TaskPhase::kDestroyed,
       {"refused", "ignored", "ignored", "ignored", "ignored", "ignored", "ignored"}},
  };
  ASSERT_EQ(rows.size(), kTaskPhaseCount);
  for (size_t r = 0; r < rows.size(); ++r) {
    ASSERT_EQ(rows[r].phase, kAllPhases[r]);
    ASSERT_EQ(rows[r].cells.size(), kTaskInputCount);
    for (size_t c = 0; c < kTaskInputCount; ++c) {
      EXPECT_EQ(InWords(NextPhase(rows[r].phase, kAllInputs[c])), rows[r].cells[c])
          << Name(rows[r].phase) << " x " << Name(kAllInputs[c]);
    }
  }
}

TEST(TaskMachine, APhaseThatDoesNotMoveStays) {
  for (TaskPhase phase : kAllPhases) {
    for (TaskInput input : kAllInputs) {
      const TaskTransition transition = NextPhase(phase, input);
      if (transition.verdict == TaskTransition::Verdict::kMoves) {
        EXPECT_NE(transition.next, phase);
      } else {
        EXPECT_EQ(transition.next, phase);
        EXPECT_TRUE(transition.events().empty());
      }
    }
  }
}

// Goes through every sequence of inputs of a length: `last` is the last event told.
void ExpectOrder(TaskPhase phase, TaskChange last, bool started, int inputs_left,
                 std::vector<TaskInput>* path) {
  if (inputs_left == 0) return;
  for (TaskInput input : kAllInputs) {
    path->push_back(input);
    const TaskTransition transition = NextPhase(phase, input);
    TaskChange told = last;
    bool has_started = started;
    for (TaskChange change : transition.events()) {
      ASSERT_GT(change, told) << absl::StrJoin(
          *path, ", ", [](std::string* out, TaskInput in) { absl::StrAppend(out, Name(in)); });
      told = change;
      has_started |= change == TaskChange::kStarted;
    }
    ASSERT_EQ(told >= TaskChange::kEnded, !IsLive(transition.next));
    if (transition.next == TaskPhase::kRunning || transition.next == TaskPhase::kStopping) {
      ASSERT_TRUE(has_started);
    }
    ExpectOrder(transition.next, told, has_started, inputs_left - 1, path);
    path->pop_back();
  }
}

TEST(TaskMachine, EventsComeOnceAndInOrderWhateverTheInputs) {
  std::vector<TaskInput> path;
  ExpectOrder(TaskPhase::kPending, TaskChange::kCreated, false, 6, &path);
}

TEST(TaskMachine, AnExitBeforeItsLaunchedTellsStartedFirst) {
  const TaskTransition exit = NextPhase(TaskPhase::kStarting, TaskInput::kExited);
  EXPECT_THAT(exit.events(), testing::ElementsAre(TaskChange::kStarted, TaskChange::kEnded));
  EXPECT_EQ(NextPhase(exit.next, TaskInput::kLaunched).verdict, TaskTransition::Verdict::kIgnored);
}

TEST(TaskMachine, EveryPhaseHasItsPublicState) {
  const v1::TaskState expected[kTaskPhaseCount] = {
      v1::TASK_STATE_PENDING,  v1::TASK_STATE_PENDING, v1::TASK_STATE_STARTING,
      v1::TASK_STATE_STARTING, v1::TASK_STATE_RUNNING, v1::TASK_STATE_STOPPING,
      v1::TASK_STATE_EXITED,   v1::TASK_STATE_LOST,    v1::TASK_STATE_UNSPECIFIED};
  for (size_t i = 0; i < kTaskPhaseCount; ++i) {
    EXPECT_EQ(PublicState(kAllPhases[i]), expected[i]) << Name(kAllPhases[i]);
  }
}

}  // namespace
}  // namespace cloister::engine
