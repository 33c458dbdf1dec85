#include "services/frontend/node_registry.h"

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/fake_clock.h"
#include "libs/base/status_matchers.h"

namespace cloister::frontend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Event = v1::WatchTasksResponse;
using Outcome = PendingStarts::Outcome;
using SessionId = NodeRegistry::SessionId;

constexpr Room kDemand = {.tasks = 1, .memory_mib = 300};

v1::RegisterNode MakeNode(absl::string_view id, absl::string_view boot = "boot",
                          absl::string_view incarnation = "1") {
  v1::RegisterNode node;
  node.mutable_node()->set_id(std::string(id));
  node.mutable_node()->set_address(absl::StrCat("addr-of-", id));
  node.mutable_node()->mutable_capacity()->set_tasks(10);
  node.mutable_node()->mutable_capacity()->set_memory_mib(3000);
  node.set_boot_id(std::string(boot));
  node.set_incarnation(std::string(incarnation));
  return node;
}

v1::Task MakeTask(absl::string_view id, v1::TaskState state = v1::TASK_STATE_RUNNING,
                  uint64_t revision = 2) {
  v1::Task task;
  task.set_id(std::string(id));
  task.set_state(state);
  task.set_revision(revision);
  task.mutable_create_time()->set_seconds(100);
  task.mutable_start_time()->set_seconds(101);
  return task;
}

class RecordingSubscriber : public TaskSubscriber {
 public:
  void OnTaskEvent(const EventRef& event) override {
    events.push_back(absl::StrCat(event->task().id(), ":",
                                  Event::Type_Name(event->type()).substr(5),
                                  event->task().node_unreachable() ? ":unreachable" : ""));
  }
  std::vector<std::string> events;
};

class NodeRegistryTest : public ::testing::Test {
 protected:
  SessionId Join(const v1::RegisterNode& node, std::vector<v1::Task> tasks = {}) {
    const auto registration = registry_.Register(node);
    EXPECT_THAT(registration, IsOk());
    v1::NodeStatus status;
    for (v1::Task& task : tasks) *status.add_tasks() = std::move(task);
    status.set_synced(true);
    Tell(registration->session, std::move(status));
    return registration->session;
  }

  void Tell(SessionId session, v1::NodeStatus status) {
    status.set_sequence(++sequences_[session]);
    EXPECT_THAT(registry_.Apply(session, std::move(status)), IsOk());
  }

  void TellTask(SessionId session, v1::Task task) {
    v1::NodeStatus status;
    *status.add_tasks() = std::move(task);
    Tell(session, std::move(status));
  }

  void TellDestroyed(SessionId session, absl::string_view id) {
    v1::NodeStatus status;
    status.add_destroyed_task_ids(std::string(id));
    Tell(session, std::move(status));
  }

  // "node" or "reason".
  std::string Begin(const NodeRegistry::StartQuery& query) {
    const auto target = registry_.BeginStart(query);
    return target.ok() ? target->node_id : GetReason(target.status());
  }

  FakeClock clock_;
  NodeRegistry registry_{&clock_};
  std::map<SessionId, uint64_t> sequences_;
};

TEST_F(NodeRegistryTest, ListsANodeOnceItHasToldAllItHas) {
  const auto registration = registry_.Register(MakeNode("n1"));
  ASSERT_THAT(registration, IsOk());
  EXPECT_THAT(registry_.ListNodes("", 10), IsEmpty());
  EXPECT_EQ(GetReason(registry_.GetNode("n1").status()), "NODE_UNKNOWN");

  TellTask(registration->session, MakeTask("a"));
  EXPECT_THAT(registry_.ListNodes("", 10), IsEmpty());
  EXPECT_EQ(GetReason(registry_.Locate("a").status()), "NODE_SYNCING");

  v1::NodeStatus synced;
  synced.set_synced(true);
  Tell(registration->session, synced);
  const auto node = registry_.GetNode("n1");
  ASSERT_THAT(node, IsOk());
  EXPECT_EQ(node->state(), v1::NODE_STATE_READY);
  EXPECT_EQ(node->live_tasks(), 1);
  EXPECT_EQ(node->granted_memory_mib(), 300);
  EXPECT_FALSE(registry_.Locate("a")->node_unreachable);
  EXPECT_EQ(GetReason(registry_.Locate("b").status()), "TASK_UNKNOWN");
}

TEST_F(NodeRegistryTest, KeepsTheTasksOfALostNodeAsTheyWere) {
  const SessionId session = Join(MakeNode("n1"), {MakeTask("a")});
  clock_.Advance(absl::Seconds(5));
  registry_.Lose(session);
  const auto node = registry_.GetNode("n1");
  ASSERT_THAT(node, IsOk());
  EXPECT_EQ(node->state(), v1::NODE_STATE_UNREACHABLE);
  EXPECT_EQ(node->unreachable_since().seconds(), absl::ToUnixSeconds(clock_.Now()));
  const auto known = registry_.Locate("a");
  ASSERT_THAT(known, IsOk());
  EXPECT_TRUE(known->Shown().node_unreachable());
  EXPECT_EQ(known->Shown().state(), v1::TASK_STATE_RUNNING);
  EXPECT_TRUE(registry_.ListTasks({}, "", {}, 10).at(0).node_unreachable);
}

TEST_F(NodeRegistryTest, LearnsWhatChangedWhileANodeWasAway) {
  registry_.Lose(Join(MakeNode("n1"), {MakeTask("a"), MakeTask("b")}));
  Join(MakeNode("n1", "boot", "2"), {MakeTask("b", v1::TASK_STATE_EXITED, 1)});
  EXPECT_EQ(registry_.GetNode("n1")->state(), v1::NODE_STATE_READY);
  EXPECT_FALSE(registry_.GetNode("n1")->has_unreachable_since());
  EXPECT_EQ(GetReason(registry_.Locate("a").status()), "TASK_UNKNOWN");
  EXPECT_EQ(registry_.Locate("b")->Shown().state(), v1::TASK_STATE_EXITED);
}

TEST_F(NodeRegistryTest, ForgetsANodeThatNeverToldAllItHas) {
  const auto registration = registry_.Register(MakeNode("n1"));
  registry_.Lose(registration->session);
  EXPECT_EQ(GetReason(registry_.Locate("a").status()), "NO_NODES");
}

TEST_F(NodeRegistryTest, RefusesASecondExecutorWithTheSameId) {
  const SessionId session = Join(MakeNode("n1", "boot", "5"));
  const auto other = registry_.Register(MakeNode("n1", "another-boot", "9"));
  EXPECT_THAT(other, StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(GetReason(other.status()), "NODE_ID_IN_USE");
  EXPECT_THAT(registry_.Register(MakeNode("n1", "boot", "4")),
              StatusIs(absl::StatusCode::kAlreadyExists))
      << "an earlier incarnation";
  TellTask(session, MakeTask("a"));
  registry_.Lose(session);
  EXPECT_THAT(registry_.Register(MakeNode("n1", "another-boot", "9")), IsOk());
}

TEST_F(NodeRegistryTest, LetsARestartedExecutorTakeItsOwnPlace) {
  const SessionId first = Join(MakeNode("n1", "boot", "5"), {MakeTask("a")});
  for (const char* incarnation : {"5", "6"}) {
    const auto registration = registry_.Register(MakeNode("n1", "boot", incarnation));
    ASSERT_THAT(registration, IsOk()) << incarnation;
    EXPECT_NE(registration->replaced, 0u);
  }
  EXPECT_THAT(registry_.Apply(first, {}), StatusIs(absl::StatusCode::kAborted));
  registry_.Lose(first);
  EXPECT_TRUE(registry_.Locate("a")->node_unreachable) << "until the new one has told all";
}

TEST_F(NodeRegistryTest, RefusesMessagesOutOfOrder) {
  const SessionId session = Join(MakeNode("n1"));
  v1::NodeStatus status;
  for (uint64_t sequence : {1, 3}) {
    status.set_sequence(sequence);
    EXPECT_THAT(registry_.Apply(session, status), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  status.set_sequence(2);
  EXPECT_THAT(registry_.Apply(session, status), IsOk());
}

TEST_F(NodeRegistryTest, RefusesNamelessTasksAndNodes) {
  EXPECT_THAT(registry_.Register(MakeNode("")), StatusIs(absl::StatusCode::kInvalidArgument));
  const SessionId session = Join(MakeNode("n1"));
  v1::NodeStatus status;
  status.set_sequence(2);
  status.add_tasks();
  EXPECT_THAT(registry_.Apply(session, status), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(NodeRegistryTest, TellsWatchersInOrder) {
  const SessionId session = Join(MakeNode("n1"), {MakeTask("a")});
  RecordingSubscriber watcher;
  EXPECT_THAT(registry_.Subscribe("", &watcher), SizeIs(1));
  TellTask(session, MakeTask("b"));
  TellTask(session, MakeTask("b", v1::TASK_STATE_EXITED, 3));
  registry_.Lose(session);
  Join(MakeNode("n1"), {MakeTask("b", v1::TASK_STATE_EXITED, 3)});
  EXPECT_THAT(
      watcher.events,
      ElementsAre("b:CREATED", "b:STARTED", "b:ENDED", "a:NODE_CHANGED:unreachable",
                  "b:NODE_CHANGED:unreachable", "a:NODE_CHANGED", "b:NODE_CHANGED", "a:DESTROYED"));
  registry_.Unsubscribe("", &watcher);
}

TEST_F(NodeRegistryTest, PlacesAmongReadyNodesWithRoom) {
  EXPECT_EQ(Begin({"t", "", kDemand, {}}), "NO_NODES");
  v1::RegisterNode small = MakeNode("small");
  small.mutable_node()->mutable_capacity()->set_memory_mib(500);
  Join(small);
  const SessionId big = Join(MakeNode("big"));
  constexpr Room kLarge = {.tasks = 1, .memory_mib = 1000};
  EXPECT_EQ(Begin({"t1", "", kLarge, {}}), "big");
  EXPECT_EQ(Begin({"t2", "", kLarge, {}}), "big");
  EXPECT_EQ(Begin({"t3", "", kLarge, {}}), "big");
  EXPECT_EQ(Begin({"t4", "", kLarge, {}}), "NO_NODE_WITH_ROOM") << "pending starts hold their room";
  EXPECT_EQ(Begin({"t5", "", kDemand, {"small"}}), "NO_NODE_WITH_ROOM");
  EXPECT_EQ(Begin({"t6", "", kDemand, {}}), "small");
  registry_.Lose(big);
  EXPECT_EQ(Begin({"t7", "", kLarge, {}}), "NO_NODE_WITH_ROOM");
}

TEST_F(NodeRegistryTest, TakesANodeWithoutLimitsForRoomy) {
  v1::RegisterNode node = MakeNode("n1");
  node.mutable_node()->clear_capacity();
  Join(node);
  EXPECT_EQ(Begin({"t", "", {.tasks = 1, .memory_mib = 1 << 30}, {}}), "n1");
}

TEST_F(NodeRegistryTest, SendsARepeatedStartWhereTheFirstOneWent) {
  const SessionId n1 = Join(MakeNode("n1"), {MakeTask("here")});
  Join(MakeNode("n2"));
  Join(MakeNode("n3"));
  EXPECT_EQ(Begin({"here", "", kDemand, {}}), "n1");
  EXPECT_EQ(Begin({"here", "n2", kDemand, {}}), "REQUEST_ID_REUSED");

  const std::string first = Begin({"t", "", kDemand, {}});
  registry_.EndStart("t", Outcome::kUnknown, nullptr);
  EXPECT_EQ(Begin({"t", "", kDemand, {first}}), first) << "its outcome is not known";
  EXPECT_EQ(GetReason(registry_.Locate("t").status()), "NODE_UNREACHABLE");

  registry_.Lose(n1);
  EXPECT_EQ(Begin({"here", "", kDemand, {}}), "NODE_UNREACHABLE");
}

TEST_F(NodeRegistryTest, KnowsAStartedTaskFromTheAnswer) {
  const SessionId session = Join(MakeNode("n1"));
  ASSERT_EQ(Begin({"t", "n1", kDemand, {}}), "n1");
  const v1::Task task = MakeTask("t");
  registry_.EndStart("t", Outcome::kStarted, &task);
  EXPECT_THAT(registry_.Locate("t"), IsOk());
  registry_.Forget(*registry_.Locate("t")->task);
  EXPECT_THAT(registry_.Locate("t"), StatusIs(absl::StatusCode::kNotFound));
  TellTask(session, MakeTask("t", v1::TASK_STATE_EXITED, 3));
  TellDestroyed(session, "t");
  EXPECT_THAT(registry_.Locate("t"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(NodeRegistryTest, DoesNotReviveATaskThatWasDestroyedBeforeItsStartWasAnswered) {
  const SessionId session = Join(MakeNode("n1"));
  ASSERT_EQ(Begin({"t", "", kDemand, {}}), "n1");
  TellTask(session, MakeTask("t"));
  TellDestroyed(session, "t");
  const v1::Task task = MakeTask("t");
  registry_.EndStart("t", Outcome::kStarted, &task);
  EXPECT_EQ(GetReason(registry_.Locate("t").status()), "TASK_UNKNOWN");
}

TEST_F(NodeRegistryTest, KeepsATaskThatWasStartedWhileTheNodeWasTellingAllItHas) {
  Join(MakeNode("n1"));
  ASSERT_EQ(Begin({"t", "", kDemand, {}}), "n1");
  const auto again = registry_.Register(MakeNode("n1", "boot", "2"));
  const v1::Task task = MakeTask("t");
  registry_.EndStart("t", Outcome::kStarted, &task);
  v1::NodeStatus synced;
  synced.set_synced(true);
  Tell(again->session, synced);
  EXPECT_THAT(registry_.Locate("t"), IsOk());
}

TEST_F(NodeRegistryTest, AsksTheOnlyNodeOrAny) {
  EXPECT_EQ(GetReason(registry_.AnyReadyNode("").status()), "NO_NODES");
  registry_.Lose(Join(MakeNode("n1")));
  Join(MakeNode("n2"));
  EXPECT_THAT(registry_.AnyReadyNode(""), IsOkAndHolds("n2"));
  EXPECT_EQ(GetReason(registry_.AnyReadyNode("n1").status()), "NODE_UNREACHABLE");
  EXPECT_EQ(GetReason(registry_.AnyReadyNode("n9").status()), "NODE_UNKNOWN");
}

TEST_F(NodeRegistryTest, ListsNodesInOrder) {
  for (const char* id : {"c", "a", "b"}) Join(MakeNode(id));
  std::vector<std::string> ids;
  for (const v1::Node& node : registry_.ListNodes("a", 5)) ids.push_back(node.id());
  EXPECT_THAT(ids, ElementsAre("b", "c"));
  EXPECT_THAT(registry_.ListNodes("", 2), SizeIs(2));
}

TEST_F(NodeRegistryTest, AttributesAreOfOneNodeAtATime) {
  v1::RegisterNode node = MakeNode("n1");
  (*node.mutable_node()->mutable_attributes())["attr.kernel.name"] = "linux";
  Join(node);
  EXPECT_EQ(registry_.GetNode("n1")->attributes().at("attr.kernel.name"), "linux");
  EXPECT_EQ(registry_.ListNodes("", 1).at(0).attributes_size(), 0);
}

}  // namespace
}  // namespace cloister::frontend
