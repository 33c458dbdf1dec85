#include "tests/testing/local_cluster.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/leftovers.h"

namespace cloister {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

using LocalClusterTest = ClusterTest;

TEST_F(LocalClusterTest, RunsAPayloadAndLeavesNothing) {
  absl::StatusOr<TaskOutcome> outcome = cluster().Run({Payload("exit_code"), "7"});
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->task.exit_result().exit_code(), 7);
  ASSERT_THAT(cluster().Destroy(outcome->task.id()), IsOk());
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 2), IsOkAndHolds(IsEmpty()));
}

TEST_F(LocalClusterTest, HasAsManyNodesAsTheBuildFileSays) {
  absl::StatusOr<std::vector<v1::Node>> nodes = cluster().client().ListNodes();
  ASSERT_THAT(nodes, IsOk());
  EXPECT_EQ(nodes->size(), 2u);
}

TEST_F(LocalClusterTest, ATaskOutlivesItsExecutor) {
  v1::StartTaskRequest request;
  request.set_request_id(RandomId());
  request.set_node_id(cluster().node_id(1));
  request.mutable_config()->mutable_config()->set_command(Payload("sleep_forever"));
  absl::StatusOr<v1::Task> task = cluster().client().StartTask(request);
  ASSERT_THAT(task, IsOk());
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  absl::StatusOr<v1::Task> found = cluster().client().GetTask(task->id());
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->state(), v1::TASK_STATE_RUNNING);
}

TEST_F(LocalClusterTest, AStoppedFrontendComesBackWithItsNodes) {
  ASSERT_THAT(cluster().KillFrontend(), IsOk());
  ASSERT_THAT(cluster().StartFrontend(), IsOk());
  EXPECT_THAT(cluster().Run({Payload("exit_code"), "0"}), IsOk());
}

TEST_F(LocalClusterTest, TasksDieWithTheirLauncher) {
  v1::StartTaskRequest request;
  request.set_request_id(RandomId());
  request.set_node_id(cluster().node_id(1));
  request.mutable_config()->mutable_config()->set_command(Payload("sleep_forever"));
  absl::StatusOr<v1::Task> task = cluster().client().StartTask(request);
  ASSERT_THAT(task, IsOk());
  ASSERT_THAT(cluster().KillLaunchers(1), IsOk());
  absl::StatusOr<v1::Task> ended = cluster().client().WaitTask(task->id());
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->state(), v1::TASK_STATE_LOST);
}

TEST_F(LocalClusterTest, IsEndedWithItsTasksAlsoWhenPartsOfItAreDead) {
  ASSERT_THAT(cluster().StartTask({Payload("ignore_term")}), IsOk());
  ASSERT_THAT(cluster().StartTask({Payload("fork_daemon")}), IsOk());
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  ASSERT_THAT(cluster().KillExecutor(2), IsOk());
  ASSERT_THAT(cluster().KillFrontend(), IsOk());
  // The fixture stops it and looks for what is left.
}

TEST_F(LocalClusterTest, LeftoversOfARunningClusterAreSeen) {
  ASSERT_THAT(cluster().StartTask({Payload("sleep_forever")}), IsOk());
  absl::StatusOr<std::vector<std::string>> found = FindLeftovers(cluster().layout());
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(*found, Contains(HasSubstr("cloister-executor")));
  EXPECT_THAT(*found, Contains(HasSubstr("cloister-launcher")));
  EXPECT_THAT(*found, Contains(HasSubstr("/payloads/sleep_forever")));
  EXPECT_THAT(*found, Contains(HasSubstr("cgroup ")));
  EXPECT_THAT(*found, Contains(HasSubstr("socket ")));
  EXPECT_THAT(*found, Contains(HasSubstr("node-1 is still there")));
  found = FindTaskLeftovers(cluster().layout(), 2);
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(*found, Contains(HasSubstr("/payloads/sleep_forever")));
  EXPECT_THAT(*found, Contains(HasSubstr("task directory")));
}

}  // namespace
}  // namespace cloister
