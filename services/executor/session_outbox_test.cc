#include "services/executor/session_outbox.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::executor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

SharedTask MakeTask(absl::string_view id, v1::TaskState state, uint64_t revision,
                    int64_t created = 1) {
  auto task = std::make_shared<v1::Task>();
  task->set_id(std::string(id));
  task->set_state(state);
  task->set_revision(revision);
  task->mutable_create_time()->set_seconds(created);
  return task;
}

SharedTask Running(absl::string_view id, uint64_t revision = 2) {
  return MakeTask(id, v1::TASK_STATE_RUNNING, revision);
}
SharedTask Stopping(absl::string_view id) { return MakeTask(id, v1::TASK_STATE_STOPPING, 3); }
SharedTask Exited(absl::string_view id) { return MakeTask(id, v1::TASK_STATE_EXITED, 4); }

// "a:RUNNING", "a:destroyed", "synced", message after message with "|" between.
std::vector<std::string> Drain(SessionOutbox& outbox) {
  std::vector<std::string> told;
  while (absl::optional<v1::NodeStatus> message = outbox.Next()) {
    for (const v1::Task& task : message->tasks()) {
      told.push_back(absl::StrCat(task.id(), ":", v1::TaskState_Name(task.state()).substr(11)));
    }
    for (const std::string& id : message->destroyed_task_ids()) {
      told.push_back(absl::StrCat(id, ":destroyed"));
    }
    if (message->synced()) told.push_back("synced");
    told.push_back("|");
    outbox.Acknowledge(message->sequence());
  }
  return told;
}

TEST(SessionOutbox, HasNothingToTellAtFirst) {
  SessionOutbox outbox;
  EXPECT_THAT(Drain(outbox), IsEmpty());
}

TEST(SessionOutbox, TellsTheNewestStateOfATaskOnce) {
  SessionOutbox outbox;
  outbox.Update(MakeTask("a", v1::TASK_STATE_PENDING, 1));
  outbox.Update(Running("b"));
  outbox.Update(Exited("a"));
  outbox.Update(Running("a"));
  EXPECT_EQ(outbox.waiting(), 2u);
  EXPECT_THAT(Drain(outbox), ElementsAre("a:EXITED", "b:RUNNING", "|"));
  EXPECT_EQ(outbox.waiting(), 0u);
}

TEST(SessionOutbox, KeepsStoppingAndTheEndApart) {
  SessionOutbox outbox;
  outbox.Update(Running("a"));
  outbox.Update(Stopping("a"));
  outbox.Update(Exited("a"));
  outbox.Destroyed("a");
  outbox.Destroyed("a");
  EXPECT_THAT(Drain(outbox), ElementsAre("a:STOPPING", "|", "a:EXITED", "|", "a:destroyed", "|"));
}

TEST(SessionOutbox, TellsOfTheNextObjectWithTheSameIdAfterTheFirst) {
  SessionOutbox outbox;
  outbox.Update(Exited("a"));
  outbox.Destroyed("a");
  outbox.Update(MakeTask("a", v1::TASK_STATE_RUNNING, 1, /*created=*/2));
  EXPECT_THAT(Drain(outbox), ElementsAre("a:EXITED", "|", "a:destroyed", "|", "a:RUNNING", "|"));
}

TEST(SessionOutbox, TellsSyncedWithTheLastOfTheSnapshot) {
  SessionOutbox outbox;
  std::vector<SharedTask> tasks;
  for (size_t i = 0; i <= SessionOutbox::kMaxMessageTasks; ++i) {
    tasks.push_back(Running(absl::StrCat("t", i)));
  }
  outbox.AddSnapshot(tasks);
  EXPECT_EQ(outbox.waiting(), 0u) << "a snapshot is not what fills an outbox";
  const auto first = outbox.Next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->tasks_size(), static_cast<int>(SessionOutbox::kMaxMessageTasks));
  EXPECT_FALSE(first->synced());
  const auto second = outbox.Next();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->tasks_size(), 1);
  EXPECT_TRUE(second->synced());
  EXPECT_FALSE(outbox.Next().has_value());
}

TEST(SessionOutbox, TellsSyncedOfAnEmptyNode) {
  SessionOutbox outbox;
  outbox.AddSnapshot({});
  EXPECT_THAT(Drain(outbox), ElementsAre("synced", "|"));
}

TEST(SessionOutbox, BelievesWhatHappenedMoreThanTheSnapshot) {
  SessionOutbox outbox;
  outbox.Destroyed("gone");
  outbox.Update(Exited("ended"));
  outbox.AddSnapshot({Running("gone"), Running("ended"), Running("other")});
  outbox.Update(Exited("other"));
  EXPECT_THAT(Drain(outbox),
              ElementsAre("ended:EXITED", "other:EXITED", "gone:destroyed", "synced", "|"));
}

TEST(SessionOutbox, CutsMessagesByBytes) {
  SessionOutbox outbox;
  for (int i = 0; i < 3; ++i) {
    auto task = std::make_shared<v1::Task>(*Running(absl::StrCat("t", i)));
    task->set_external_id(std::string(SessionOutbox::kMaxMessageBytes, 'x'));
    outbox.Update(std::move(task));
  }
  EXPECT_EQ(outbox.Next()->tasks_size(), 1);
  EXPECT_EQ(outbox.Next()->tasks_size(), 1);
}

TEST(SessionOutbox, WaitsForAcknowledgementsWhenTheWindowIsFull) {
  SessionOutbox outbox;
  for (uint64_t i = 1; i <= SessionOutbox::kWindow; ++i) {
    EXPECT_EQ(outbox.Next(/*heartbeat=*/true)->sequence(), i);
  }
  outbox.Update(Running("a"));
  EXPECT_FALSE(outbox.Next().has_value());
  EXPECT_TRUE(outbox.Acknowledge(1));
  EXPECT_EQ(outbox.Next()->tasks(0).id(), "a");
  EXPECT_FALSE(outbox.Acknowledge(SessionOutbox::kWindow + 5)) << "never sent";
}

TEST(SessionOutbox, OverflowsByChangesThatWait) {
  SessionOutbox outbox(/*max_waiting=*/2);
  for (const char* id : {"a", "b"}) outbox.Update(Running(id));
  outbox.Update(Running("a", 7));
  EXPECT_FALSE(outbox.overflowed());
  outbox.Destroyed("a");
  EXPECT_TRUE(outbox.overflowed());
}

}  // namespace
}  // namespace cloister::executor
