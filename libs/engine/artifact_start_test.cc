// Starts of tasks that have artifacts, with an engine whose launchers run nothing and artifacts
// that come when the test says so.
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/retryable.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/engine_error.h"
#include "libs/engine/testing/engine_fixture.h"
#include "libs/engine/testing/fake_artifacts.h"

namespace cloister::engine {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ArtifactStartTest : public EngineTest {
 protected:
  ArtifactStartTest() {
    options_.artifacts = &artifacts_;
    options_.staging.pace = absl::ZeroDuration();
  }
  StartCommand With(const std::string& id, const std::vector<std::string>& sources) {
    StartCommand command = Command(id, "/run");
    for (const std::string& source : sources) {
      command.config.add_artifacts()->set_source(absl::StrCat("https://h/", source));
    }
    return command;
  }
  internal::IntentRecord IntentOf(const std::string& id) {
    TaskFiles files(Folder("tasks"));
    const TaskRecords records = files.Read(id);
    return records.intent.ok() ? *records.intent : internal::IntentRecord();
  }

  FakeArtifacts artifacts_;
};

TEST_F(ArtifactStartTest, WhatIsCachedIsMountedAndTheTaskStarts) {
  NewEngine();
  auto task = Start(With("a", {"cached1"}));
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ((*task)->state(), v1::TASK_STATE_RUNNING);
  const internal::LaunchPlan plan = IntentOf("a").plan();
  ASSERT_EQ(plan.mounts_size(), 1);
  EXPECT_EQ(plan.mounts(0).kind(), internal::Mount::KIND_CACHED);
  EXPECT_EQ(plan.mounts(0).inside(), "/local/f");
  EXPECT_THAT(artifacts_.held(), ElementsAre("a"));
  ASSERT_THAT(Destroy("a", /*force=*/true), IsOk());
  EXPECT_THAT(artifacts_.held(), IsEmpty());
}

TEST_F(ArtifactStartTest, TheTaskIsPendingUntilTheLastOneHasComeAndTellsOfThem) {
  NewEngine();
  StartCommand command = With("a", {"wait1", "cached2"});
  command.wait_accepted = true;
  auto accepted = Start(std::move(command));
  ASSERT_THAT(accepted, IsOk());
  artifacts_.AwaitWaiting(1);
  auto watch = engine_->Watch("a", [] {});
  ASSERT_THAT(watch, IsOk());
  TaskEvent event;
  ASSERT_EQ((*watch)->Next(&event), TaskWatch::Poll::kEvent);
  EXPECT_EQ(event.task->state(), v1::TASK_STATE_PENDING);
  ASSERT_EQ(event.task->artifacts_size(), 2);
  EXPECT_EQ(event.task->artifacts(0).state(), v1::ArtifactStatus::STATE_FETCHING);
  EXPECT_EQ(event.task->artifacts(0).source(), "https://h/wait1");
  EXPECT_EQ(event.task->artifacts(0).destination(), "/local");
  EXPECT_EQ(event.task->artifacts(1).state(), v1::ArtifactStatus::STATE_READY);
  artifacts_.Let(1);
  Later<absl::StatusOr<TaskSnapshot>> started = BeginStart(With("a", {"wait1", "cached2"}));
  ASSERT_THAT(started.Await(), IsOk());
  EXPECT_EQ((*started.Await())->state(), v1::TASK_STATE_RUNNING);
  EXPECT_EQ((*started.Await())->artifacts(0).state(), v1::ArtifactStatus::STATE_READY);
  EXPECT_TRUE((*started.Await())->start_phases().has_artifacts());
  std::vector<TaskChange> changes;
  while ((*watch)->Next(&event) == TaskWatch::Poll::kEvent) {
    if (event.kind == TaskEvent::Kind::kChange) changes.push_back(event.change);
  }
  ASSERT_GE(changes.size(), 2u);
  EXPECT_EQ(changes.back(), TaskChange::kStarted);
  changes.pop_back();
  EXPECT_THAT(changes, testing::Each(TaskChange::kProgress));
}

TEST_F(ArtifactStartTest, SeveralComeAtOnceButNoMoreThanATaskMay) {
  options_.staging.parallel_of_task = 2;
  NewEngine();
  auto started = BeginStart(With("a", {"wait1", "wait2", "wait3", "wait4"}));
  artifacts_.AwaitWaiting(2);
  artifacts_.Let(4);
  EXPECT_THAT(started.Await(), IsOk());
  EXPECT_EQ(artifacts_.most_at_once(), 2);
}

TEST_F(ArtifactStartTest, OneTenantsSlowServersLeaveRoomForAnothers) {
  options_.staging.parallel = 4;
  NewEngine();
  for (int task = 0; task < 6; ++task) {
    StartCommand slow = With(absl::StrCat("a", task), {"wait1"});
    slow.principal = "client/a";
    slow.wait_accepted = true;
    ASSERT_THAT(Start(std::move(slow)), IsOk());
  }
  artifacts_.AwaitWaiting(3);
  StartCommand other = With("b", {"x"});
  other.principal = "client/b";
  EXPECT_THAT(Start(std::move(other)), IsOk());
  EXPECT_EQ(artifacts_.most_at_once(), 3);
  // It keeps its turn: all of them come.
  artifacts_.Let(6);
  StartCommand last = With("a5", {"wait1"});
  last.principal = "client/a";
  EXPECT_THAT(BeginStart(std::move(last)).Await(), IsOk());
  EXPECT_EQ(artifacts_.most_at_once(), 3);
}

TEST_F(ArtifactStartTest, NoRecordKeepsSignaturesOrHeadersOfWhatIsThere) {
  NewEngine();
  StartCommand command = With("a", {"x?X-Amz-Signature=secret"});
  (*command.config.mutable_artifacts(0)->mutable_headers())["X-Token"] = "secret";
  ASSERT_THAT(Start(std::move(command)), IsOk());
  internal::IntentRecord intent = IntentOf("a");
  ASSERT_EQ(intent.plan().artifacts(0).headers().count("X-Token"), 1u);
  // Of what the test's cache calls its object.
  intent.mutable_plan()->clear_mounts();
  EXPECT_THAT(intent.ShortDebugString(), testing::Not(HasSubstr("secret")));
}

TEST_F(ArtifactStartTest, AFailureNamesTheArtifactAndLeavesNothing) {
  NewEngine();
  const absl::Status status = Start(With("a", {"wait1", "bad2"})).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               AllOf(HasSubstr("artifacts[1] 'https://h/bad2'"),
                                     HasSubstr("wrong digest"))));
  EXPECT_EQ(GetReason(status), kArtifactFailed);
  EXPECT_THAT(Directories(), IsEmpty());
  EXPECT_THAT(artifacts_.held(), IsEmpty());
}

TEST_F(ArtifactStartTest, AFailureThatAnotherTryCanHelpIsUnavailable) {
  NewEngine();
  EXPECT_THAT(Start(With("a", {"busy1"})), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ArtifactStartTest, WhatTheTaskIsToOwnIsCopied) {
  NewEngine();
  StartCommand command = With("a", {"x"});
  command.config.mutable_artifacts(0)->set_chown(true);
  ASSERT_THAT(Start(std::move(command)), IsOk());
  EXPECT_THAT(artifacts_.copies(), ElementsAre("/cache/x to local of 0"));
  EXPECT_EQ(IntentOf("a").plan().mounts_size(), 0);
}

TEST_F(ArtifactStartTest, AStopEndsTheFetchAndTheTask) {
  NewEngine();
  auto started = BeginStart(With("a", {"wait1"}));
  artifacts_.AwaitWaiting(1);
  ASSERT_THAT(engine_->Stop("a", absl::nullopt, absl::nullopt), IsOk());
  EXPECT_THAT(started.Await(),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("stopped while its artifacts")));
}

TEST_F(ArtifactStartTest, ADestroyEndsTheFetch) {
  NewEngine();
  StartCommand command = With("a", {"wait1"});
  command.wait_accepted = true;
  ASSERT_THAT(Start(std::move(command)), IsOk());
  artifacts_.AwaitWaiting(1);
  ASSERT_THAT(Destroy("a", /*force=*/true), IsOk());
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(ArtifactStartTest, ANewExecutorGoesOnWithTheFetch) {
  NewEngine();
  StartCommand command = With("a", {"wait1"});
  command.wait_accepted = true;
  ASSERT_THAT(Start(std::move(command)), IsOk());
  artifacts_.AwaitWaiting(1);
  NewEngine();
  artifacts_.AwaitWaiting(1);
  EXPECT_EQ((*engine_->Get("a"))->state(), v1::TASK_STATE_PENDING);
  artifacts_.Let(1);
  auto joined = BeginStart(With("a", {"wait1"}));
  ASSERT_THAT(joined.Await(), IsOk());
  EXPECT_EQ((*joined.Await())->state(), v1::TASK_STATE_RUNNING);
}

TEST_F(ArtifactStartTest, ANodeWithoutAFetcherSaysSo) {
  options_.artifacts = nullptr;
  NewEngine();
  EXPECT_THAT(Start(With("a", {"x"})),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no fetcher")));
}

TEST_F(ArtifactStartTest, WhoWaitsForAnothersFetchHoldsUpNobody) {
  // Of one tenant three at once: as many as wait here.
  options_.staging.parallel = 4;
  NewEngine();
  for (const char* id : {"a", "b", "c", "d"}) {
    StartCommand command = With(id, {"same"});
    command.wait_accepted = true;
    ASSERT_THAT(Start(std::move(command)), IsOk());
    // The first one fetches.
    if (*id == 'a') artifacts_.AwaitWaiting(1);
  }
  artifacts_.AwaitOthers(3);
  ASSERT_THAT(Start(With("e", {"x"})), IsOk());
  // When the first has it, the next one fetches: nothing is cached here.
  artifacts_.Let(4);
  for (const char* id : {"a", "b", "c", "d"}) {
    const auto started = Start(With(id, {"same"}));
    ASSERT_THAT(started, IsOk());
    EXPECT_EQ((*started)->state(), v1::TASK_STATE_RUNNING);
  }
  EXPECT_EQ(artifacts_.most_at_once(), 1);
}

TEST_F(ArtifactStartTest, WhoWaitsForAnothersFetchCanBeStopped) {
  NewEngine();
  for (const char* id : {"a", "b"}) {
    StartCommand command = With(id, {"same"});
    command.wait_accepted = true;
    ASSERT_THAT(Start(std::move(command)), IsOk());
    if (*id == 'a') artifacts_.AwaitWaiting(1);
  }
  artifacts_.AwaitOthers(1);
  ASSERT_THAT(Destroy("b", /*force=*/true), IsOk());
  // And the end of the engine is the end of all that wait.
  StartCommand command = With("c", {"same"});
  command.wait_accepted = true;
  ASSERT_THAT(Start(std::move(command)), IsOk());
  artifacts_.AwaitOthers(2);
  engine_.reset();
}

}  // namespace
}  // namespace cloister::engine
