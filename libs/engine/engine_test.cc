// The engine with launchers that are processes of their own and run nothing
// (testing/fake_launcher.h).
#include "libs/engine/engine.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/engine_error.h"
#include "libs/engine/testing/engine_fixture.h"
#include "libs/os/pidfd.h"
#include "libs/state/record_file.h"

namespace cloister::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(EngineTest, AStartAnswersWhenTheExecIsDone) {
  NewEngine();
  auto task = Start("a", "/run");
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ((*task)->state(), v1::TASK_STATE_RUNNING);
  EXPECT_EQ((*task)->node_id(), "n1");
  EXPECT_EQ((*task)->fence().uid(), 65534);
  EXPECT_GT((*task)->pid(), 0);
  EXPECT_TRUE((*task)->has_start_time());
  EXPECT_TRUE((*task)->has_create_time());
  const v1::StartPhases& phases = (*task)->start_phases();
  EXPECT_EQ(phases.plan().nanos() + phases.record().nanos() + phases.launch().nanos(),
            phases.total().nanos());
}

TEST_F(EngineTest, EnvironmentValuesAreWithheld) {
  NewEngine();
  auto task = Start("a", "/run");
  ASSERT_THAT(task, IsOk());
  ASSERT_EQ((*task)->config().env().count("SECRET"), 1);
  EXPECT_EQ((*task)->config().env().at("SECRET"), "");
}

TEST_F(EngineTest, AnExitIsReportedAsItWas) {
  NewEngine();
  ASSERT_THAT(Start("a", "/exit/7"), IsOk());
  TaskSnapshot task = Wait("a");
  EXPECT_EQ(task->state(), v1::TASK_STATE_EXITED);
  EXPECT_EQ(task->exit_result().exit_code(), 7);
  EXPECT_EQ(task->exit_result().signal(), 0);
  EXPECT_EQ(task->pid(), 0);
  EXPECT_TRUE(task->has_exit_time());
  EXPECT_EQ(engine_->Held().tasks, 0);
}

TEST_F(EngineTest, AnExitThatOvertakesItsExecIsToldAfterIt) {
  NewEngine();
  auto watch = *engine_->Watch("", [] {});
  ASSERT_THAT(Start("a", "/exit-first"), IsOk());
  Wait("a");
  std::vector<TaskChange> changes;
  TaskEvent event;
  while (watch->Next(&event) == TaskWatch::Poll::kEvent) {
    if (event.kind == TaskEvent::Kind::kChange) changes.push_back(event.change);
  }
  EXPECT_THAT(changes, ElementsAre(TaskChange::kCreated, TaskChange::kStarted, TaskChange::kEnded));
}

TEST_F(EngineTest, TheSameRequestIsTheSameTask) {
  NewEngine();
  auto first = Start("a", "/run");
  auto second = Start("a", "/run");
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(engine_->Held().tasks, 1);
}

TEST_F(EngineTest, ARequestIdForAnotherTaskIsRefused) {
  NewEngine();
  ASSERT_THAT(Start("a", "/run"), IsOk());
  auto other = Start("a", "/bin/true");
  EXPECT_THAT(other, StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("request of a")));
  EXPECT_EQ(GetReason(other.status()), kRequestIdReused);
}

TEST_F(EngineTest, AStartThatIsRepeatedWhileItGoesOnWaitsForTheSameExec) {
  NewEngine();
  auto first = BeginStart(Command("a", "/hold"));
  auto second = BeginStart(Command("a", "/hold"));
  EXPECT_FALSE(first.came());
  EXPECT_FALSE(second.came());
  EXPECT_EQ(engine_->Held().tasks, 1);
}

TEST_F(EngineTest, EveryViolationIsToldAndNothingIsLeft) {
  NewEngine();
  StartCommand bad = Command("a", "");
  bad.config.mutable_config()->set_work_dir("x");
  auto task = Start(bad);
  EXPECT_THAT(task, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(GetFieldViolations(task.status()).size(), 2);
  EXPECT_THAT(engine_->Get("a"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(EngineTest, AFailedStartNamesItsStepAndLeavesNothing) {
  NewEngine();
  auto task = Start("a", "/fail");
  EXPECT_THAT(task, StatusIs(absl::StatusCode::kFailedPrecondition, "EXEC '/fail': errno 2"));
  EXPECT_EQ(GetReason(task.status()), kStartFailed);
  EXPECT_EQ(GetReasonMetadata(task.status()).at("step"), "EXEC");
  EXPECT_THAT(engine_->Get("a"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Directories(), IsEmpty());
  EXPECT_EQ(engine_->Held().tasks, 0);
  // It may be tried again.
  EXPECT_THAT(Start("a", "/fail"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(EngineTest, AFailedStartThatWasAcceptedIsATaskThatEnded) {
  NewEngine();
  auto accepted = StartAccepted("a", "/fail");
  ASSERT_THAT(accepted, IsOk());
  TaskSnapshot task = Wait("a");
  EXPECT_EQ(task->state(), v1::TASK_STATE_EXITED);
  EXPECT_EQ(task->exit_result().start_failure().step(), "EXEC");
  EXPECT_EQ(task->exit_result().start_failure().error_number(), 2);
  // Who asks again for the exec is told that there was none.
  EXPECT_EQ(GetReason(Start("a", "/fail").status()), kStartFailed);
  EXPECT_THAT(Destroy("a"), IsOk());
}

TEST_F(EngineTest, AFullNodeRefuses) {
  options_.capacity = {1, 1000};
  NewEngine();
  ASSERT_THAT(Start("a", "/run"), IsOk());
  EXPECT_EQ(GetReason(Start("b", "/run").status()), kTooManyTasks);
  EXPECT_THAT(Directories(), ElementsAre("a"));
}

TEST_F(EngineTest, AStopIsSentAndToldOnce) {
  NewEngine();
  ASSERT_THAT(Start("a", "/ignore"), IsOk());
  auto stopping = engine_->Stop("a", absl::nullopt, absl::nullopt);
  ASSERT_THAT(stopping, IsOk());
  EXPECT_EQ((*stopping)->state(), v1::TASK_STATE_STOPPING);
  auto again = engine_->Stop("a", absl::ZeroDuration(), absl::nullopt);
  ASSERT_THAT(again, IsOk());
  TaskSnapshot task = Wait("a");
  EXPECT_EQ(task->exit_result().signal(), SIGKILL);
  EXPECT_TRUE(task->exit_result().killed_after_grace());
  EXPECT_THAT(engine_->Stop("a", absl::nullopt, absl::nullopt), IsOk());
}

TEST_F(EngineTest, AStopBeforeTheExecReachesTheTask) {
  NewEngine();
  auto start = BeginStart(Command("a", "/hold"));
  auto stopped = engine_->Stop("a", absl::nullopt, absl::nullopt);
  ASSERT_THAT(stopped, IsOk());
  EXPECT_EQ((*stopped)->state(), v1::TASK_STATE_STARTING);
  EXPECT_THAT(Start("b", "/run"), IsOk());  // Comes after the stop on the same socket.
}

TEST_F(EngineTest, SignalsGoToRunningTasksOnly) {
  NewEngine();
  ASSERT_THAT(Start("a", "/ignore"), IsOk());
  EXPECT_THAT(Signal("a", SIGHUP), IsOk());
  EXPECT_THAT(Signal("a", SIGKILL), IsOk());
  EXPECT_EQ(Wait("a")->exit_result().signal(), SIGKILL);
  EXPECT_EQ(GetReason(Signal("a", SIGHUP)), kTaskNotRunning);
  EXPECT_THAT(Signal("x", SIGHUP), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EngineTest, ADestroyRemovesAllOfAnEndedTask) {
  NewEngine();
  ASSERT_THAT(Start("a", "/bin/true"), IsOk());
  Wait("a");
  EXPECT_THAT(Directories(), ElementsAre("a"));
  EXPECT_THAT(Destroy("a"), IsOk());
  EXPECT_THAT(Directories(), IsEmpty());
  EXPECT_THAT(engine_->Get("a"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Destroy("a"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EngineTest, AHugeTreeDoesNotHoldUpOtherRemovals) {
  NewEngine();
  for (const char* id : {"huge", "small"}) {
    ASSERT_THAT(Start(id, "/bin/true"), IsOk());
    Wait(id);
  }
  const std::string tree = directory_ / "tasks" + "/huge/local";
  std::filesystem::create_directories(tree);
  // Some slices of it.
  for (int i = 0; i < 20000; ++i) {
    ASSERT_EQ(mkdir(absl::StrCat(tree, "/", i).c_str(), 0700), 0);
  }
  absl::Mutex mutex;
  std::vector<std::string> order;
  std::map<std::string, Later<absl::Status>> later;
  for (const char* id : {"huge", "small"}) {
    engine_->Destroy(id, false, [&, id, done = later[id].callback()](absl::Status status) mutable {
      {
        absl::MutexLock lock(&mutex);
        order.push_back(id);
      }
      std::move(done)(std::move(status));
    });
  }
  EXPECT_THAT(later["huge"].Await(), IsOk());
  EXPECT_THAT(later["small"].Await(), IsOk());
  absl::MutexLock lock(&mutex);
  EXPECT_THAT(order, ElementsAre("small", "huge"));
}

TEST_F(EngineTest, ALiveTaskIsDestroyedByForceOnly) {
  NewEngine();
  ASSERT_THAT(Start("a", "/ignore"), IsOk());
  EXPECT_EQ(GetReason(Destroy("a")), kTaskLive);
  Later<absl::Status> first;
  Later<absl::Status> second;
  engine_->Destroy("a", true, first.callback());
  engine_->Destroy("a", true, second.callback());
  EXPECT_THAT(first.Await(), IsOk());
  EXPECT_THAT(second.Await(), testing::AnyOf(IsOk(), StatusIs(absl::StatusCode::kNotFound)));
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(EngineTest, AnOutputIsFollowedToItsEnd) {
  NewEngine();
  ASSERT_THAT(Start("a", "/run"), IsOk());
  Later<int> ready;
  auto log = engine_->ReadLog("a", OutputStream::kStdout, 1, /*follow=*/true,
                              [callback = ready.callback()] { callback(0); });
  ASSERT_THAT(log, IsOk());
  uint64_t offset;
  std::string data;
  EXPECT_THAT(log->reader->Next(&offset, &data), IsOkAndHolds(LogReader::Poll::kData));
  EXPECT_EQ(data, "ello");
  EXPECT_THAT(log->reader->Next(&offset, &data), IsOkAndHolds(LogReader::Poll::kNothing));
  ASSERT_THAT(engine_->Stop("a", absl::nullopt, absl::nullopt), IsOk());
  ready.Await();
  EXPECT_THAT(log->reader->Next(&offset, &data), IsOkAndHolds(LogReader::Poll::kEnd));
  engine_->CloseLog(*log);
  EXPECT_THAT(engine_->ReadLog("x", OutputStream::kStdout, 0, true, [] {}),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EngineTest, ALauncherThatDiesLosesItsTasks) {
  NewEngine();
  ASSERT_THAT(Start("a", "/run"), IsOk());
  auto unanswered = BeginStart(Command("b", "/hold"));
  KillLaunchers();
  TaskSnapshot task = Wait("a");
  EXPECT_EQ(task->state(), v1::TASK_STATE_LOST);
  EXPECT_EQ(task->exit_result().lost_reason(), "launcher died");
  // The other was never begun: it leaves nothing, and may be started again.
  EXPECT_EQ(GetReason(unanswered.Await().status()), kLauncherDied);
  EXPECT_THAT(engine_->Get("b"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Directories(), ElementsAre("a"));
  EXPECT_EQ(engine_->Held().tasks, 0);
  // Whoever asks for it again learns that it is lost; a new one gets a new launcher.
  EXPECT_EQ((*Start("a", "/run"))->state(), v1::TASK_STATE_LOST);
  EXPECT_THAT(Start("c", "/run"), IsOk());
}

TEST_F(EngineTest, ARestartLosesNothing) {
  NewEngine();
  ASSERT_THAT(Start("running", "/run"), IsOk());
  ASSERT_THAT(Start("ended", "/exit/7"), IsOk());
  Wait("ended");
  NewEngine();
  EXPECT_EQ((*engine_->Get("ended"))->exit_result().exit_code(), 7);
  auto running = engine_->Get("running");
  EXPECT_EQ((*running)->state(), v1::TASK_STATE_RUNNING);
  EXPECT_EQ((*running)->fence().uid(), 65534);
  EXPECT_EQ((*running)->config().env().at("SECRET"), "");
  EXPECT_EQ(engine_->Held().tasks, 1);
  EXPECT_EQ(engine_->Held().memory_mib, 10);
  // The same requests are still the same tasks.
  EXPECT_EQ((*Start("ended", "/exit/7"))->state(), v1::TASK_STATE_EXITED);
  EXPECT_EQ(GetReason(Start("running", "/other").status()), kRequestIdReused);
  ASSERT_THAT(engine_->Stop("running", absl::nullopt, absl::nullopt), IsOk());
  EXPECT_EQ(Wait("running")->exit_result().signal(), SIGTERM);
}

TEST_F(EngineTest, WhatEndsWhileTheExecutorIsAwayIsKnownAfterwards) {
  NewEngine();
  ASSERT_THAT(Start("a", "/run"), IsOk());
  engine_.reset();
  KillLaunchers();
  NewEngine();
  EXPECT_EQ((*engine_->Get("a"))->exit_result().lost_reason(), "launcher died");
}

TEST_F(EngineTest, AStartThatTheOldExecutorDidNotSendLeavesNothing) {
  Leave(Intent("a"));
  NewEngine();
  EXPECT_THAT(Start("b", "/bin/true"), IsOk());
  Wait("b");
  // Removals are done in turn: when this one is, the other is too.
  EXPECT_THAT(Destroy("b"), IsOk());
  EXPECT_THAT(engine_->Get("a"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(EngineTest, APromisedStartThatTheOldExecutorDidNotSendIsATaskThatEnded) {
  internal::IntentRecord intent = Intent("a");
  intent.set_promised(true);
  Leave(intent);
  NewEngine();
  TaskSnapshot task = *engine_->Get("a");
  EXPECT_EQ(task->state(), v1::TASK_STATE_EXITED);
  EXPECT_THAT(task->exit_result().start_failure().message(), HasSubstr("not started"));
}

TEST_F(EngineTest, AnotherBootLosesWhatHadNotEnded) {
  NewEngine();
  ASSERT_THAT(Start("running", "/run"), IsOk());
  ASSERT_THAT(Start("ended", "/exit/7"), IsOk());
  Wait("ended");
  engine_.reset();
  KillLaunchers();
  options_.launchers.program.boot_id = "next boot";
  NewEngine();
  EXPECT_EQ((*engine_->Get("running"))->exit_result().lost_reason(), "node rebooted");
  EXPECT_EQ((*engine_->Get("ended"))->exit_result().exit_code(), 7);
}

TEST_F(EngineTest, AnUnfinishedDestroyIsFinished) {
  NewEngine();
  ASSERT_THAT(Start("ended", "/exit/7"), IsOk());
  Wait("ended");
  ASSERT_THAT(Start("live", "/ignore"), IsOk());
  engine_.reset();
  TaskFiles files(Folder("tasks"));
  ASSERT_THAT(files.MarkDestroying("ended"), IsOk());
  ASSERT_THAT(files.MarkDestroying("live"), IsOk());
  NewEngine();
  // Joins the removal that is under way.
  for (const char* id : {"ended", "live"}) {
    EXPECT_THAT(Destroy(id, true), testing::AnyOf(IsOk(), StatusIs(absl::StatusCode::kNotFound)));
  }
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(EngineTest, ARemovalThatWasCutShortLeavesNoTask) {
  NewEngine();
  ASSERT_THAT(Start("a", "/exit/7"), IsOk());
  Wait("a");
  engine_.reset();
  std::filesystem::rename(directory_ / "tasks/a", directory_ / "tasks/a.removed");
  NewEngine();
  EXPECT_THAT(engine_->Get("a"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(EngineTest, ADirectoryWithoutIntentIsRemoved) {
  mkdir((directory_ / "tasks/a").c_str(), 0700);
  NewEngine();
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(EngineTest, ADamagedRecordIsALostTask) {
  Leave(Intent("a"));
  ASSERT_EQ(truncate((directory_ / "tasks/a/intent").c_str(), 5), 0);
  NewEngine();
  EXPECT_EQ((*engine_->Get("a"))->state(), v1::TASK_STATE_LOST);
  EXPECT_THAT(Destroy("a"), IsOk());
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(EngineTest, IdleLaunchersLeaveAtAShutdown) {
  NewEngine();
  ASSERT_THAT(Start("a", "/exit/7"), IsOk());
  Wait("a");
  OwnedFd folder = Folder("launchers/1");
  internal::LauncherRecord record;
  record.ParseFromString(*state::ReadRecord(folder.get(), "record"));
  auto launcher = PidFd::OpenRecorded(record.pid(), record.start_time_ticks());
  ASSERT_THAT(launcher, IsOk());
  // An exit is told a moment before its launcher counts as idle; asked again, it leaves.
  while (!launcher->HasEnded()) engine_->RetireIdleLaunchers(absl::InfiniteDuration());
}

TEST_F(EngineTest, WithoutALauncherAStartSaysWhy) {
  options_.launchers.program.path = "/nope";
  options_.launchers.on_trouble = nullptr;
  NewEngine();
  auto task = Start("a", "/run");
  EXPECT_THAT(task, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/nope")));
  EXPECT_EQ(GetReason(task.status()), kNoLauncher);
  EXPECT_THAT(engine_->Get("a"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Directories(), IsEmpty());
}

}  // namespace
}  // namespace cloister::engine
