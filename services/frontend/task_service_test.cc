#include "services/frontend/task_service.h"

#include <chrono>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/rpc/error_details.h"
#include "libs/rpc/status_conversion.h"
#include "libs/task/task_id.h"
#include "services/frontend/testing/test_cluster.h"

namespace cloister::frontend {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

v1::ListTasksResponse List(TestCluster& cluster, const v1::ListTasksRequest& request) {
  grpc::ClientContext context;
  v1::ListTasksResponse response;
  const grpc::Status status = cluster.tasks().ListTasks(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

grpc::Status Stop(TestCluster& cluster, const std::string& task_id) {
  grpc::ClientContext context;
  v1::StopTaskRequest request;
  request.set_task_id(task_id);
  v1::StopTaskResponse response;
  return cluster.tasks().StopTask(&context, request, &response);
}

grpc::Status Destroy(TestCluster& cluster, const std::string& task_id, bool allow_missing = false) {
  grpc::ClientContext context;
  v1::DestroyTaskRequest request;
  request.set_task_id(task_id);
  request.set_allow_missing(allow_missing);
  v1::DestroyTaskResponse response;
  return cluster.tasks().DestroyTask(&context, request, &response);
}

TEST(TaskService, StartsATaskOnTheNodeThatIsNamed) {
  TestCluster cluster;
  FakeExecutor& n1 = cluster.AddNode("n1");
  FakeExecutor& n2 = cluster.AddNode("n2");
  const v1::Task task = cluster.Start("r1", "n2");
  EXPECT_EQ(task.node_id(), "n2");
  EXPECT_EQ(task.id(), task::DeriveTaskId("client/test", "r1"));
  EXPECT_EQ(n1.tasks().starts(), 0u);
  EXPECT_EQ(n2.tasks().starts(), 1u);
}

TEST(TaskService, AsksTheOwnerForATask) {
  TestCluster cluster;
  cluster.AddNode("n1");
  cluster.AddNode("n2");
  for (const char* node : {"n1", "n2"}) {
    const v1::Task started = cluster.Start(node, node);
    v1::Task task;
    EXPECT_TRUE(cluster.Get(started.id(), &task).ok());
    EXPECT_EQ(task.node_id(), node);
    EXPECT_EQ(task.pid(), 4711) << "what only the node knows";
  }
}

TEST(TaskService, TellsTheExecutorWhoAsks) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  grpc::ClientContext context;
  context.AddMetadata("test-caller", "client/alice");
  v1::StartTaskResponse response;
  ASSERT_TRUE(cluster.tasks().StartTask(&context, MakeStart("r1"), &response).ok());
  EXPECT_EQ(node.tasks().last_principal(), "client/alice");
  EXPECT_EQ(response.task().id(), task::DeriveTaskId("client/alice", "r1"));
}

TEST(TaskService, HandsOnTheCallersDeadline) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  EXPECT_LT(node.tasks().last_deadline(),
            std::chrono::system_clock::now() + std::chrono::minutes(15))
      << "a caller without deadline has ours";
  grpc::ClientContext context;
  const auto deadline = std::chrono::system_clock::now() + std::chrono::minutes(5);
  context.set_deadline(deadline);
  v1::GetTaskRequest request;
  request.set_task_id(task.id());
  v1::GetTaskResponse response;
  ASSERT_TRUE(cluster.tasks().GetTask(&context, request, &response).ok());
  // On the wire it is a duration, rounded to seconds.
  EXPECT_LT(node.tasks().last_deadline(), deadline + std::chrono::minutes(1));
}

TEST(TaskService, HandsOnTheExecutorsErrorUnchanged) {
  TestCluster cluster;
  cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  grpc::ClientContext context;
  v1::SignalTaskRequest request;
  request.set_task_id(task.id());
  request.set_signal("BAD");
  v1::SignalTaskResponse response;
  const absl::Status status =
      rpc::FromGrpcStatus(cluster.tasks().SignalTask(&context, request, &response));
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  ASSERT_THAT(GetFieldViolations(status), SizeIs(1));
  EXPECT_EQ(GetFieldViolations(status)[0].description, "no signal has this name");
}

TEST(TaskService, KnowsNoTaskThatNoNodeHas) {
  TestCluster cluster;
  cluster.AddNode("n1");
  v1::Task task;
  const grpc::Status status = cluster.Get("unheard-of", &task);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "TASK_UNKNOWN");
  EXPECT_EQ(ReasonOf(Stop(cluster, "unheard-of")), "TASK_UNKNOWN");
  EXPECT_EQ(ReasonOf(Destroy(cluster, "unheard-of")), "TASK_UNKNOWN");
  EXPECT_TRUE(Destroy(cluster, "unheard-of", /*allow_missing=*/true).ok());
}

TEST(TaskService, SaysThatItKnowsNothingYetWithoutNodes) {
  TestCluster cluster;
  v1::Task task;
  const grpc::Status status = cluster.Get("t", &task);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "NO_NODES");
  EXPECT_EQ(ReasonOf(Destroy(cluster, "t", /*allow_missing=*/true)), "NO_NODES")
      << "it may well be there";
}

TEST(TaskService, ShowsTheLastKnownStateOfALostNodesTasks) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task started = cluster.Start("r1");
  cluster.Lose(node);
  v1::Task task;
  ASSERT_TRUE(cluster.Get(started.id(), &task).ok());
  EXPECT_TRUE(task.node_unreachable());
  EXPECT_EQ(task.state(), v1::TASK_STATE_RUNNING);
  EXPECT_TRUE(List(cluster, {}).tasks(0).node_unreachable());

  const grpc::Status stopped = Stop(cluster, started.id());
  EXPECT_EQ(stopped.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(stopped), "NODE_UNREACHABLE");
  EXPECT_TRUE(rpc::GetRetryDelay(rpc::FromGrpcStatus(stopped)).has_value());

  cluster.Join(node);
  ASSERT_TRUE(cluster.Get(started.id(), &task).ok());
  EXPECT_FALSE(task.node_unreachable());
  EXPECT_TRUE(Stop(cluster, started.id()).ok());
}

TEST(TaskService, ShowsTheLastKnownStateWhenTheExecutorDoesNotAnswer) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task started = cluster.Start("r1");
  node.StopServing();
  v1::Task task;
  ASSERT_TRUE(cluster.Get(started.id(), &task).ok());
  EXPECT_TRUE(task.node_unreachable());
  EXPECT_EQ(ReasonOf(Stop(cluster, started.id())), "NODE_UNREACHABLE");
}

TEST(TaskService, ReachesAnExecutorThatCameBackAtOnce) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task started = cluster.Start("r1");
  node.StopServing();
  EXPECT_FALSE(Stop(cluster, started.id()).ok());
  cluster.Lose(node);
  node.StartServing();
  cluster.Join(node);
  EXPECT_TRUE(Stop(cluster, started.id()).ok()) << "no back-off of the old connection";
}

TEST(TaskService, ForgetsADestroyedTaskAtOnce) {
  TestCluster cluster;
  cluster.AddNode("n1");
  for (int i = 0; i < 50; ++i) {
    const v1::Task task = cluster.Start("r" + std::to_string(i));
    ASSERT_TRUE(Destroy(cluster, task.id()).ok());
    EXPECT_THAT(List(cluster, {}).tasks(), SizeIs(0));
  }
}

TEST(TaskService, ListsTheClustersTasksPageByPage) {
  TestCluster cluster;
  cluster.AddNode("n1");
  cluster.AddNode("n2");
  std::vector<std::string> started;
  for (int i = 0; i < 7; ++i) {
    started.push_back(cluster.Start("r" + std::to_string(i), i % 2 ? "n1" : "n2").id());
  }
  std::sort(started.begin(), started.end());

  v1::ListTasksRequest request;
  request.set_page_size(3);
  std::vector<std::string> listed;
  std::vector<int> sizes;
  do {
    const v1::ListTasksResponse page = List(cluster, request);
    sizes.push_back(page.tasks_size());
    for (const v1::Task& task : page.tasks()) listed.push_back(task.id());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, started);
  EXPECT_THAT(sizes, ElementsAre(3, 3, 1));
}

TEST(TaskService, ListsByNodeAndState) {
  TestCluster cluster;
  FakeExecutor& n1 = cluster.AddNode("n1");
  cluster.AddNode("n2");
  const v1::Task ended = cluster.Start("r1", "n1");
  cluster.Start("r2", "n1");
  cluster.Start("r3", "n2");
  n1.tasks().Exit(ended.id(), 0);

  v1::ListTasksRequest request;
  request.set_node_id("n1");
  EXPECT_THAT(List(cluster, request).tasks(), SizeIs(2));
  request.add_states(v1::TASK_STATE_EXITED);
  v1::ListTasksResponse response;
  do {
    response = List(cluster, request);
  } while (response.tasks().empty());
  ASSERT_THAT(response.tasks(), SizeIs(1));
  EXPECT_EQ(response.tasks(0).id(), ended.id());
}

TEST(TaskService, RefusesListRequestsThatMakeNoSense) {
  TestCluster cluster;
  cluster.AddNode("n1");
  const auto list = [&](const v1::ListTasksRequest& request) {
    grpc::ClientContext context;
    v1::ListTasksResponse response;
    return cluster.tasks().ListTasks(&context, request, &response).error_code();
  };
  v1::ListTasksRequest request;
  request.set_page_size(-1);
  EXPECT_EQ(list(request), grpc::StatusCode::INVALID_ARGUMENT);
  request.Clear();
  request.set_page_token("forged");
  EXPECT_EQ(list(request), grpc::StatusCode::INVALID_ARGUMENT);
  request.Clear();
  request.set_node_id("n9");
  EXPECT_EQ(list(request), grpc::StatusCode::NOT_FOUND);
}

TEST(TaskService, CutsPagesOfLongCommandLinesShort) {
  TestCluster cluster;
  cluster.AddNode("n1");
  for (int i = 0; i < 5; ++i) {
    v1::StartTaskRequest request = MakeStart("r" + std::to_string(i));
    request.mutable_config()->mutable_config()->add_args(std::string(1 << 20, 'x'));
    grpc::ClientContext context;
    v1::StartTaskResponse response;
    ASSERT_TRUE(cluster.tasks().StartTask(&context, request, &response).ok());
  }
  v1::ListTasksRequest request;
  const v1::ListTasksResponse first = List(cluster, request);
  EXPECT_THAT(first.tasks(), SizeIs(1));
  request.set_page_token(first.next_page_token());
  EXPECT_THAT(List(cluster, request).tasks(), SizeIs(1));
}

TEST(TaskService, ExplainsOnTheNodeThatIsNamedOrAny) {
  TestCluster cluster;
  cluster.AddNode("n1");
  cluster.AddNode("n2");
  const auto explain = [&](const std::string& node_id) {
    grpc::ClientContext context;
    v1::ExplainTaskRequest request;
    request.set_node_id(node_id);
    v1::ExplainTaskResponse response;
    const grpc::Status status = cluster.tasks().ExplainTask(&context, request, &response);
    return status.ok() ? response.text() : ReasonOf(status);
  };
  EXPECT_EQ(explain("n2"), "explained by n2");
  EXPECT_EQ(explain(""), "explained by n1");
  EXPECT_EQ(explain("n9"), "NODE_UNKNOWN");
}

TEST(TaskService, RelearnsItsTasksAfterARestart) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task started = cluster.Start("r1");
  cluster.RestartFrontend();
  cluster.AwaitNodeState("n1", v1::NODE_STATE_READY);
  v1::Task task;
  EXPECT_TRUE(cluster.Get(started.id(), &task).ok());
  EXPECT_EQ(cluster.Start("r1").id(), started.id());
  EXPECT_EQ(node.tasks().Snapshot().size(), 1u) << "the same request is the same task";
}

}  // namespace
}  // namespace cloister::frontend
