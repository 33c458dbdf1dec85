#include "services/frontend/task_index.h"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cloister/v1/task.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::frontend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Task MakeTask(absl::string_view id, v1::TaskState state, uint64_t revision,
                  int64_t created = 100) {
  v1::Task task;
  task.set_id(std::string(id));
  task.set_state(state);
  task.set_revision(revision);
  task.mutable_create_time()->set_seconds(created);
  task.mutable_config()->mutable_resources()->set_memory(200);
  return task;
}

v1::Task Running(absl::string_view id, uint64_t revision = 2, int64_t created = 100) {
  return MakeTask(id, v1::TASK_STATE_RUNNING, revision, created);
}

v1::Task Exited(absl::string_view id, uint64_t revision = 3) {
  return MakeTask(id, v1::TASK_STATE_EXITED, revision);
}

std::vector<std::string> Names(const std::vector<TaskRef>& tasks) {
  std::vector<std::string> names;
  for (const TaskRef& task : tasks) names.push_back(task->id() + "@" + task->node_id());
  return names;
}

TEST(TaskIndex, FindsATaskByItsId) {
  TaskIndex index;
  EXPECT_THAT(index.Find("a"), IsEmpty());
  const std::vector<TaskChange> changes = index.Update("n1", Running("a"));
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].before, nullptr);
  EXPECT_EQ(changes[0].after->state(), v1::TASK_STATE_RUNNING);
  EXPECT_THAT(Names(index.Find("a")), ElementsAre("a@n1"));
  EXPECT_EQ(index.FindOn("n2", "a"), nullptr);
}

TEST(TaskIndex, SaysWhoseSessionToldOfIt) {
  TaskIndex index;
  v1::Task task = Running("a");
  task.set_node_id("somebody-else");
  task.set_node_unreachable(true);
  index.Update("n1", task);
  EXPECT_EQ(index.FindOn("n1", "a")->node_id(), "n1");
  EXPECT_FALSE(index.FindOn("n1", "a")->node_unreachable());
}

TEST(TaskIndex, IgnoresOldNews) {
  TaskIndex index;
  index.Update("n1", Exited("a", 3));
  EXPECT_THAT(index.Update("n1", Running("a", 2)), IsEmpty());
  EXPECT_THAT(index.Update("n1", Exited("a", 3)), IsEmpty());
  EXPECT_EQ(index.FindOn("n1", "a")->state(), v1::TASK_STATE_EXITED);
}

TEST(TaskIndex, TakesANewObjectOfTheSameIdForTheOldOnesEnd) {
  TaskIndex index;
  index.Update("n1", Exited("a", 9));
  const std::vector<TaskChange> changes = index.Update("n1", Running("a", 1, /*created=*/200));
  ASSERT_THAT(changes, SizeIs(2));
  EXPECT_EQ(changes[0].after, nullptr);
  EXPECT_EQ(changes[1].before, nullptr);
  EXPECT_THAT(index.Update("n1", Exited("a", 10)), IsEmpty()) << "news of the object before";
}

TEST(TaskIndex, ForgetsADestroyedTask) {
  TaskIndex index;
  index.Update("n1", Exited("a"));
  EXPECT_THAT(index.Destroyed("n1", "a"), SizeIs(1));
  EXPECT_THAT(index.Find("a"), IsEmpty());
  EXPECT_THAT(index.Destroyed("n1", "a"), IsEmpty());
  EXPECT_THAT(index.Destroyed("unheard-of", "a"), IsEmpty());
}

TEST(TaskIndex, DoesNotListenToTheSessionsOldNewsOfAForgottenTask) {
  TaskIndex index;
  index.Update("n1", Running("a", 2));
  const v1::Task known = *index.FindOn("n1", "a");
  EXPECT_THAT(index.Forget(known), SizeIs(1));
  EXPECT_THAT(index.Update("n1", Exited("a", 3)), IsEmpty());
  EXPECT_THAT(index.Find("a"), IsEmpty());
  EXPECT_THAT(index.Destroyed("n1", "a"), IsEmpty()) << "it was told already";
}

TEST(TaskIndex, KeepsTheSuccessorOfAForgottenTask) {
  TaskIndex index;
  index.Update("n1", Running("a", 2));
  index.Forget(*index.FindOn("n1", "a"));
  EXPECT_THAT(index.Update("n1", Running("a", 1, /*created=*/200)), SizeIs(1));
  EXPECT_THAT(index.Update("n1", Exited("a", 3)), IsEmpty());
  EXPECT_THAT(index.Destroyed("n1", "a"), IsEmpty()) << "this is the predecessor";
  EXPECT_THAT(Names(index.Find("a")), ElementsAre("a@n1"));
  EXPECT_THAT(index.Destroyed("n1", "a"), SizeIs(1));
}

TEST(TaskIndex, DoesNotForgetAnObjectThatWasNotMeant) {
  TaskIndex index;
  index.Update("n1", Running("a", 2));
  const v1::Task known = *index.FindOn("n1", "a");
  index.Update("n1", Running("a", 1, /*created=*/200));
  EXPECT_THAT(index.Forget(known), IsEmpty());
  EXPECT_THAT(Names(index.Find("a")), ElementsAre("a@n1"));
}

TEST(TaskIndex, DropsWhatANodesWholeListLeavesOut) {
  TaskIndex index;
  index.Update("n1", Running("a"));
  index.Update("n1", Running("b"));
  index.Update("n2", Running("c"));
  const std::vector<TaskChange> changes = index.Replace("n1", {Running("b"), Running("d")});
  ASSERT_THAT(changes, SizeIs(3));
  EXPECT_EQ(changes[0].before->id(), "a");
  EXPECT_EQ(changes[0].after, nullptr);
  EXPECT_EQ(changes[1].after->id(), "b");
  EXPECT_EQ(changes[2].after->id(), "d");
  EXPECT_THAT(Names(index.List({}, "", {}, 10)), ElementsAre("b@n1", "c@n2", "d@n1"));
}

TEST(TaskIndex, BelievesLowerRevisionsInAWholeList) {
  TaskIndex index;
  index.Update("n1", Running("a", 50));
  index.Update("n1", Exited("b", 51));
  index.Replace("n1", {Running("a", 1), Running("b", 2)});
  EXPECT_EQ(index.FindOn("n1", "a")->revision(), 1);
  EXPECT_EQ(index.FindOn("n1", "b")->state(), v1::TASK_STATE_EXITED) << "a state led back";
  EXPECT_THAT(index.Update("n1", Exited("a", 3)), SizeIs(1));
}

TEST(TaskIndex, ListsInOrderOfId) {
  TaskIndex index;
  for (const char* id : {"c", "a", "b"}) index.Update("n2", Running(id));
  index.Update("n1", Exited("b"));
  EXPECT_THAT(Names(index.List({}, "", {}, 3)), ElementsAre("a@n2", "b@n1", "b@n2"));
  EXPECT_THAT(Names(index.List({"b", "n1"}, "", {}, 3)), ElementsAre("b@n2", "c@n2"));
  EXPECT_THAT(Names(index.List({"a", "n2"}, "n2", {}, 1)), ElementsAre("b@n2"));
  EXPECT_THAT(Names(index.List({}, "", {v1::TASK_STATE_EXITED}, 9)), ElementsAre("b@n1"));
  EXPECT_THAT(index.List({}, "unheard-of", {}, 9), IsEmpty());
}

TEST(TaskIndex, CountsWhatLiveTasksTake) {
  TaskIndex index;
  index.Update("n1", Running("a"));
  v1::Task without_limit = Running("b");
  without_limit.clear_config();
  index.Update("n1", without_limit);
  EXPECT_EQ(index.TakenOn("n1").tasks, 2);
  EXPECT_EQ(index.TakenOn("n1").memory_mib, 200 + 300);
  index.Update("n1", Exited("a"));
  EXPECT_EQ(index.TakenOn("n1").tasks, 1);
  index.Destroyed("n1", "a");
  index.Destroyed("n1", "b");
  EXPECT_EQ(index.TakenOn("n1").tasks, 0);
  EXPECT_EQ(index.TakenOn("n1").memory_mib, 0);
}

}  // namespace
}  // namespace cloister::frontend
