#include "libs/engine/task_table.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/fake_clock.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/engine_error.h"

namespace cloister::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr size_t kUnbounded = 1 << 20;

TaskRecord NewTask(const std::string& id, int64_t memory_mib = 10) {
  auto task = std::make_shared<v1::Task>();
  task->set_id(id);
  TaskRecord record;
  record.task = std::move(task);
  record.memory_mib = memory_mib;
  return record;
}

// "+a CREATED" for a change, "=a" for a snapshot, "SYNCED".
std::string Word(const TaskEvent& event) {
  constexpr const char* kWords[] = {"CREATED",  "PROGRESS", "STARTED",
                                    "STOPPING", "ENDED",    "DESTROYED"};
  if (event.kind == TaskEvent::Kind::kSynced) return "SYNCED";
  if (event.kind == TaskEvent::Kind::kSnapshot) return absl::StrCat("=", event.task->id());
  return absl::StrCat(event.task->id(), " ", kWords[static_cast<size_t>(event.change)]);
}

std::vector<std::string> Drain(TaskWatch& watch) {
  std::vector<std::string> words;
  TaskEvent event;
  while (watch.Next(&event) == TaskWatch::Poll::kEvent) words.push_back(Word(event));
  return words;
}

class TaskTableTest : public testing::Test {
 protected:
  void Give(const std::string& id, std::vector<TaskInput> inputs) {
    for (TaskInput input : inputs) ASSERT_THAT(table_.Apply(id, input), IsOk());
  }

  FakeClock clock_;
  TaskTable table_{{/*tasks=*/4, /*memory_mib=*/100}, &clock_};
};

TEST_F(TaskTableTest, AddingTwiceGivesTheFirstOne) {
  TaskRecord first = NewTask("a");
  first.request_digest = "one";
  ASSERT_TRUE(table_.Add(first)->added);
  TaskRecord second = NewTask("a");
  second.request_digest = "two";
  auto again = table_.Add(second);
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->added);
  EXPECT_EQ(again->record.request_digest, "one");
  EXPECT_EQ(table_.Held().tasks, 1);
}

TEST_F(TaskTableTest, ARevisionIsNeverUsedTwice) {
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  ASSERT_THAT(table_.Add(NewTask("b")), IsOk());
  Give("a", {TaskInput::kLaunch});
  EXPECT_EQ(table_.Find("b")->task->revision(), 2);
  EXPECT_EQ(table_.Find("a")->task->revision(), 3);
  Give("a", {TaskInput::kStop, TaskInput::kLaunched});
  EXPECT_EQ(table_.Find("a")->task->revision(), 5);
}

TEST_F(TaskTableTest, AnIgnoredInputChangesNothing) {
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  Give("a", {TaskInput::kLaunch, TaskInput::kLaunched});
  auto change = table_.Apply("a", TaskInput::kLaunched,
                             [](TaskRecord&, v1::Task&) { FAIL() << "edit of an ignored input"; });
  ASSERT_THAT(change, IsOk());
  EXPECT_FALSE(change->moved);
  EXPECT_EQ(change->record.task->revision(), 3);
}

TEST_F(TaskTableTest, ARefusedInputSaysWhichAndWhy) {
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  auto change = table_.Apply("a", TaskInput::kDestroy);
  EXPECT_THAT(change, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'a' is pending")));
  EXPECT_EQ(GetReason(change.status()), kTaskLive);
}

TEST_F(TaskTableTest, AnUnknownTaskIsNotFoundByEveryVerb) {
  const auto not_found = StatusIs(absl::StatusCode::kNotFound);
  EXPECT_THAT(table_.Find("x"), not_found);
  EXPECT_THAT(table_.Apply("x", TaskInput::kStop), not_found);
  EXPECT_THAT(table_.Amend("x", [](TaskRecord&) {}), not_found);
  EXPECT_THAT(table_.Wait("x", Until::kEnded, [](const TaskRecord&) {}), not_found);
  auto watch = table_.Watch(
      "x", [] {}, 8);
  EXPECT_THAT(watch, not_found);
  EXPECT_EQ(GetReason(watch.status()), kTaskUnknown);
}

TEST_F(TaskTableTest, AFullNodeRefusesAndHasRoomAgainWhenATaskEnds) {
  for (const char* id : {"a", "b", "c", "d"}) ASSERT_THAT(table_.Add(NewTask(id)), IsOk());
  auto refused = table_.Add(NewTask("e"));
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 4")));
  EXPECT_EQ(GetReason(refused.status()), kTooManyTasks);
  Give("a", {TaskInput::kLaunchFailed});
  EXPECT_THAT(table_.Add(NewTask("e")), IsOk());
}

TEST_F(TaskTableTest, MemoryIsGrantedOnlyAsFarAsItGoes) {
  ASSERT_THAT(table_.Add(NewTask("a", 70)), IsOk());
  auto refused = table_.Add(NewTask("b", 31));
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted,
                                HasSubstr("31 MiB of memory; the node has 30 of 100 MiB left")));
  EXPECT_EQ(GetReason(refused.status()), kNodeMemoryExhausted);
  EXPECT_THAT(table_.Add(NewTask("b", 30)), IsOk());
  EXPECT_EQ(table_.Held().memory_mib, 100);
}

TEST_F(TaskTableTest, ListGoesByIdAndResumesAfterOne) {
  for (const char* id : {"c", "a", "d", "b"}) ASSERT_THAT(table_.Add(NewTask(id)), IsOk());
  const auto ids = [&](absl::string_view after, size_t limit) {
    std::vector<std::string> ids;
    for (const auto& task :
         table_.List(after, limit, [](const v1::Task& task) { return task.id() != "b"; })) {
      ids.push_back(task->id());
    }
    return ids;
  };
  EXPECT_THAT(ids("", 2), ElementsAre("a", "c"));
  EXPECT_THAT(ids("c", 2), ElementsAre("d"));
  EXPECT_THAT(ids("d", 2), ElementsAre());
}

TEST_F(TaskTableTest, AWaiterIsCalledOnceAtTheEnd) {
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  int calls = 0;
  TaskPhase phase = TaskPhase::kPending;
  ASSERT_THAT(table_.Wait("a", Until::kEnded,
                          [&](const TaskRecord& record) {
                            ++calls;
                            phase = record.phase;
                          }),
              IsOk());
  Give("a", {TaskInput::kLaunch, TaskInput::kLaunched});
  EXPECT_EQ(calls, 0);
  Give("a", {TaskInput::kExited, TaskInput::kDestroy});
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(phase, TaskPhase::kExited);
}

TEST_F(TaskTableTest, AWaiterForWhatHoldsIsCalledAtOnce) {
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  Give("a", {TaskInput::kLaunch, TaskInput::kExited});
  bool called = false;
  auto ticket = table_.Wait("a", Until::kEnded, [&](const TaskRecord&) { called = true; });
  ASSERT_THAT(ticket, IsOk());
  EXPECT_TRUE(called);
  EXPECT_FALSE(table_.CancelWait(*ticket));
}

TEST_F(TaskTableTest, ACancelledWaiterIsNeverCalled) {
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  auto ticket = table_.Wait("a", Until::kEnded, [](const TaskRecord&) { FAIL(); });
  ASSERT_THAT(ticket, IsOk());
  EXPECT_TRUE(table_.CancelWait(*ticket));
  EXPECT_FALSE(table_.CancelWait(*ticket));
  Give("a", {TaskInput::kLaunchFailed});
}

TEST_F(TaskTableTest, AFailedStartIsSettledWhenAllOfItIsGone) {
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  int settled = 0;
  const auto count = [&](const TaskRecord&) { ++settled; };
  ASSERT_THAT(table_.Wait("a", Until::kSettled, count), IsOk());
  Give("a", {TaskInput::kLaunch, TaskInput::kLaunchFailed});
  EXPECT_EQ(settled, 0);
  Give("a", {TaskInput::kDestroy});
  EXPECT_EQ(settled, 1);
}

TEST_F(TaskTableTest, AFailedStartThatWasPromisedIsSettledByItsEnd) {
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  bool settled = false;
  ASSERT_THAT(table_.Wait("a", Until::kSettled, [&](const TaskRecord&) { settled = true; }),
              IsOk());
  Give("a", {TaskInput::kLaunch, TaskInput::kLaunchFailed});
  // The promise may come after the failure.
  ASSERT_THAT(table_.Amend("a", [](TaskRecord& record) { record.keep = true; }), IsOk());
  EXPECT_TRUE(settled);
}

TEST_F(TaskTableTest, ACallbackMayUseTheTable) {
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  std::shared_ptr<TaskWatch> watch;
  bool ready = false;
  watch = *table_.Watch(
      "",
      [&] {
        ready = true;
        EXPECT_EQ(table_.Held().tasks, 0);
        watch->Cancel();
      },
      8);
  Drain(*watch);
  ASSERT_THAT(table_.Wait("a", Until::kEnded,
                          [&](const TaskRecord&) {
                            EXPECT_THAT(table_.Apply("a", TaskInput::kDestroy), IsOk());
                          }),
              IsOk());
  Give("a", {TaskInput::kLaunchFailed});
  EXPECT_TRUE(ready);
  EXPECT_THAT(table_.Find("a"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TaskTableTest, AWatchGivesSnapshotSyncedAndChanges) {
  ASSERT_THAT(table_.Add(NewTask("b")), IsOk());
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  auto watch = *table_.Watch(
      "", [] {}, 8);
  ASSERT_THAT(table_.Add(NewTask("c")), IsOk());
  Give("a", {TaskInput::kLaunch, TaskInput::kStop, TaskInput::kExited, TaskInput::kDestroy});
  EXPECT_THAT(Drain(*watch), ElementsAre("=a", "=b", "SYNCED", "c CREATED", "a STARTED",
                                         "a STOPPING", "a ENDED", "a DESTROYED"));
}

TEST_F(TaskTableTest, AWatchOfOneTaskEndsWithItsDestruction) {
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  ASSERT_THAT(table_.Add(NewTask("b")), IsOk());
  auto watch = *table_.Watch(
      "a", [] {}, 8);
  Give("b", {TaskInput::kLaunchFailed});
  Give("a", {TaskInput::kLaunchFailed, TaskInput::kDestroy});
  EXPECT_THAT(Drain(*watch), ElementsAre("=a", "SYNCED", "a ENDED", "a DESTROYED"));
  TaskEvent event;
  EXPECT_EQ(watch->Next(&event), TaskWatch::Poll::kEnd);
}

TEST_F(TaskTableTest, AReaderIsCalledOncePerSleep) {
  int calls = 0;
  auto watch = *table_.Watch(
      "", [&] { ++calls; }, 8);
  ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
  EXPECT_EQ(calls, 0);  // It has never slept: the snapshot is unread.
  Drain(*watch);
  Give("a", {TaskInput::kLaunch, TaskInput::kLaunched, TaskInput::kExited});
  EXPECT_EQ(calls, 1);
  EXPECT_THAT(Drain(*watch), ElementsAre("a STARTED", "a ENDED"));
  Give("a", {TaskInput::kDestroy});
  EXPECT_EQ(calls, 2);
}

TEST_F(TaskTableTest, AReaderThatFallsTooFarBehindIsToldSo) {
  auto watch = *table_.Watch(
      "", [] {}, 8);
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(table_.Add(NewTask("a")), IsOk());
    Give("a", {TaskInput::kLaunchFailed, TaskInput::kDestroy});
  }
  TaskEvent event;
  EXPECT_EQ(watch->Next(&event), TaskWatch::Poll::kOverflow);
  EXPECT_EQ(watch->Next(&event), TaskWatch::Poll::kOverflow);
}

TEST_F(TaskTableTest, RecoveredTasksCountButAreNeverRefused) {
  for (int i = 0; i < 5; ++i) {
    TaskRecord record = NewTask(absl::StrCat("t", i), 30);
    record.phase = TaskPhase::kRunning;
    record.launcher = i % 2 == 0 ? "even" : "odd";
    table_.AddRecovered(std::move(record));
  }
  EXPECT_EQ(table_.Held().tasks, 5);
  EXPECT_EQ(table_.Find("t1")->task->state(), v1::TASK_STATE_RUNNING);
  EXPECT_THAT(table_.LiveTasksOf("odd"), ElementsAre("t1", "t3"));
  EXPECT_THAT(table_.Add(NewTask("x", 0)), StatusIs(absl::StatusCode::kResourceExhausted));
}

// Many threads take tasks through their lives while others wait, cancel and watch. Under
// --config=tsan this shows races.
TEST(TaskTableConcurrency, EveryWaiterIsCalledOnceOrCancelledAndEveryWatchIsInOrder) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 150;
  FakeClock clock;
  TaskTable table({kThreads * kTasks, 1 << 20}, &clock);
  std::atomic<int> called{0};
  std::atomic<int> cancelled{0};
  auto watch = *table.Watch(
      "", [] {}, kUnbounded);

  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) {
        const std::string id = absl::StrCat(t, ".", i);
        ASSERT_THAT(table.Add(NewTask(id, 1)), IsOk());
        std::thread canceller;
        auto ticket = table.Wait(id, Until::kEnded, [&](const TaskRecord&) { ++called; });
        ASSERT_THAT(ticket, IsOk());
        if (i % 10 == 0) {
          canceller = std::thread([&] {
            if (table.CancelWait(*ticket)) ++cancelled;
          });
        }
        for (TaskInput input : {TaskInput::kLaunch, TaskInput::kLaunched, TaskInput::kStop,
                                TaskInput::kExited, TaskInput::kDestroy}) {
          ASSERT_THAT(table.Apply(id, input), IsOk());
        }
        if (canceller.joinable()) canceller.join();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(called + cancelled, kThreads * kTasks);
  EXPECT_EQ(table.Held().tasks, 0);
  std::map<std::string, std::vector<TaskChange>> told;
  uint64_t revision = 0;
  TaskEvent event;
  while (watch->Next(&event) == TaskWatch::Poll::kEvent) {
    if (event.kind != TaskEvent::Kind::kChange) continue;
    EXPECT_GE(event.task->revision(), revision);
    revision = event.task->revision();
    told[event.task->id()].push_back(event.change);
  }
  EXPECT_EQ(told.size(), kThreads * kTasks);
  for (const auto& [id, changes] : told) {
    EXPECT_THAT(changes,
                ElementsAre(TaskChange::kCreated, TaskChange::kStarted, TaskChange::kStopping,
                            TaskChange::kEnded, TaskChange::kDestroyed))
        << id;
  }
}

// A reader on another thread that sleeps by on_ready misses nothing.
TEST(TaskTableConcurrency, ASleepingReaderIsAlwaysWoken) {
  constexpr int kTasks = 300;
  FakeClock clock;
  TaskTable table({kTasks, 1 << 20}, &clock);
  struct Bell {
    absl::Mutex mutex;
    bool rung = false;
  };
  auto bell = std::make_shared<Bell>();
  auto watch = *table.Watch(
      "",
      [bell] {
        absl::MutexLock lock(&bell->mutex);
        bell->rung = true;
      },
      kUnbounded);
  int destroyed = 0;
  std::thread reader([&] {
    while (destroyed < kTasks) {
      TaskEvent event;
      if (watch->Next(&event) == TaskWatch::Poll::kNothing) {
        absl::MutexLock lock(&bell->mutex);
        bell->mutex.Await(absl::Condition(&bell->rung));
        bell->rung = false;
      } else if (event.kind == TaskEvent::Kind::kChange) {
        destroyed += event.change == TaskChange::kDestroyed;
      }
    }
  });
  for (int i = 0; i < kTasks; ++i) {
    const std::string id = absl::StrCat(i);
    ASSERT_THAT(table.Add(NewTask(id, 1)), IsOk());
    ASSERT_THAT(table.Apply(id, TaskInput::kLaunchFailed), IsOk());
    ASSERT_THAT(table.Apply(id, TaskInput::kDestroy), IsOk());
  }
  reader.join();
  EXPECT_EQ(destroyed, kTasks);
}

}  // namespace
}  // namespace cloister::engine
