#include "services/frontend/start_task.h"

#include <chrono>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/rpc/status_conversion.h"
#include "services/frontend/testing/test_cluster.h"

namespace cloister::frontend {
namespace {

using Outcome = PendingStarts::Outcome;

grpc::Status Start(TestCluster& cluster, const v1::StartTaskRequest& request,
                   v1::Task* task = nullptr) {
  grpc::ClientContext context;
  v1::StartTaskResponse response;
  const grpc::Status status = cluster.tasks().StartTask(&context, request, &response);
  if (task != nullptr) *task = response.task();
  return status;
}

grpc::Status NoRoom() {
  return rpc::ToGrpcStatus(
      WithReason(absl::ResourceExhaustedError("512 tasks are enough"), "TOO_MANY_TASKS"));
}

TEST(StartTask, SpreadsTasksOverTheNodes) {
  TestCluster cluster;
  FakeExecutor& n1 = cluster.AddNode("n1");
  FakeExecutor& n2 = cluster.AddNode("n2");
  for (int i = 0; i < 40; ++i) cluster.Start("r" + std::to_string(i));
  EXPECT_EQ(n1.tasks().starts() + n2.tasks().starts(), 40u);
  EXPECT_GT(n1.tasks().starts(), 8u);
  EXPECT_GT(n2.tasks().starts(), 8u);
}

TEST(StartTask, SendsARepeatedStartToTheSameNode) {
  TestCluster cluster;
  for (const char* id : {"n1", "n2", "n3"}) cluster.AddNode(id);
  for (int i = 0; i < 10; ++i) {
    const std::string request_id = "r" + std::to_string(i);
    const v1::Task first = cluster.Start(request_id);
    EXPECT_EQ(cluster.Start(request_id).node_id(), first.node_id());
    EXPECT_EQ(cluster.Start(request_id, first.node_id()).id(), first.id());
  }
}

TEST(StartTask, RefusesARepeatedStartForAnotherNode) {
  TestCluster cluster;
  cluster.AddNode("n1");
  cluster.AddNode("n2");
  cluster.Start("r1", "n1");
  const grpc::Status status = Start(cluster, MakeStart("r1", "n2"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(status), "REQUEST_ID_REUSED");
}

TEST(StartTask, GoesOnToTheNextNodeWhenOneHasNoRoomAfterAll) {
  TestCluster cluster;
  FakeExecutor& full = cluster.AddNode("full");
  cluster.AddNode("free");
  full.tasks().FailStarts(NoRoom());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(cluster.Start("r" + std::to_string(i)).node_id(), "free");
  EXPECT_GT(full.tasks().starts(), 0u);
}

TEST(StartTask, HandsOnTheRefusalOfTheNodeThatWasNamed) {
  TestCluster cluster;
  cluster.AddNode("full").tasks().FailStarts(NoRoom());
  cluster.AddNode("free");
  EXPECT_EQ(ReasonOf(Start(cluster, MakeStart("r1", "full"))), "TOO_MANY_TASKS");
}

TEST(StartTask, SaysWhenNoNodeHasRoom) {
  TestCluster cluster;
  EXPECT_EQ(ReasonOf(Start(cluster, MakeStart("r1"))), "NO_NODES");
  for (const char* id : {"n1", "n2"}) cluster.AddNode(id).tasks().FailStarts(NoRoom());
  const grpc::Status refused = Start(cluster, MakeStart("r1"));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused), "NO_NODE_WITH_ROOM");

  v1::StartTaskRequest large = MakeStart("r2");
  large.mutable_config()->mutable_resources()->set_memory(1 << 30);
  EXPECT_EQ(ReasonOf(Start(cluster, large)), "NO_NODE_WITH_ROOM");
}

TEST(StartTask, HandsOnEveryOtherError) {
  TestCluster cluster;
  FakeExecutor& n1 = cluster.AddNode("n1");
  FakeExecutor& n2 = cluster.AddNode("n2");
  const grpc::Status bad = rpc::ToGrpcStatus(InvalidArgument({{"config.user", "no such user"}}));
  n1.tasks().FailStarts(bad);
  n2.tasks().FailStarts(bad);
  const grpc::Status status = Start(cluster, MakeStart("r1"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_details(), bad.error_details());
  EXPECT_EQ(n1.tasks().starts() + n2.tasks().starts(), 1u);
}

TEST(StartTask, ChecksItsIds) {
  TestCluster cluster;
  cluster.AddNode("n1");
  v1::StartTaskRequest chosen = MakeStart("r1");
  chosen.set_task_id("i-choose-my-own");
  for (const v1::StartTaskRequest& request :
       {MakeStart(""), MakeStart("a\nb"), MakeStart(std::string(129, 'r')), chosen}) {
    EXPECT_EQ(Start(cluster, request).error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << request.ShortDebugString();
  }
  EXPECT_EQ(ReasonOf(Start(cluster, MakeStart("r1", "n9"))), "NODE_UNKNOWN");
}

TEST(StartTask, CancelsTheForwardedCallWithItsCaller) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  node.tasks().HoldStarts(true);
  grpc::ClientContext context;
  v1::StartTaskResponse response;
  std::thread caller([&] {
    const v1::StartTaskRequest request = MakeStart("r1");
    EXPECT_EQ(cluster.tasks().StartTask(&context, request, &response).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  while (node.tasks().starts() == 0) std::this_thread::yield();
  context.TryCancel();
  caller.join();
  node.tasks().AwaitCancelled(1);
}

TEST(StartTask, EndsAWaitForTheEndWhenItDrains) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  node.tasks().HoldStarts(true);
  v1::StartTaskRequest request = MakeStart("r1");
  request.set_wait(v1::StartTaskRequest::WAIT_ENDED);
  std::thread caller([&] { EXPECT_EQ(ReasonOf(Start(cluster, request)), "SHUTTING_DOWN"); });
  while (node.tasks().starts() == 0) std::this_thread::yield();
  cluster.frontend().drain().Fire();
  caller.join();
  node.tasks().AwaitCancelled(1);
}

TEST(StartTask, AsksAgainWhereAStartOfUnknownOutcomeWent) {
  TestCluster cluster;
  FakeExecutor& n1 = cluster.AddNode("n1");
  // The answer is lost, and so is the session before it tells of the task.
  n1.tasks().FailStarts(grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed"));
  EXPECT_EQ(ReasonOf(Start(cluster, MakeStart("r1"))), "NODE_UNREACHABLE");
  FakeExecutor& n2 = cluster.AddNode("n2");
  cluster.Lose(n1);
  EXPECT_EQ(ReasonOf(Start(cluster, MakeStart("r1"))), "NODE_UNREACHABLE");
  EXPECT_EQ(n2.tasks().starts(), 0u) << "it may be running on n1";
  n1.tasks().FailStarts(grpc::Status::OK);
  cluster.Join(n1);
  EXPECT_TRUE(Start(cluster, MakeStart("r1")).ok());
  EXPECT_EQ(n1.tasks().Snapshot().size() + n2.tasks().Snapshot().size(), 1u);
}

TEST(OutcomeOf, IsRefusedOnlyByAClearNo) {
  using absl::StatusCode;
  EXPECT_EQ(OutcomeOf(grpc::Status::OK), Outcome::kStarted);
  const auto outcome = [](StatusCode code, const char* reason) {
    return OutcomeOf(rpc::ToGrpcStatus(WithReason(absl::Status(code, "no"), reason)));
  };
  EXPECT_EQ(outcome(StatusCode::kInternal, "START_FAILED"), Outcome::kRefused);
  EXPECT_EQ(outcome(StatusCode::kUnavailable, "LAUNCHER_DIED"), Outcome::kRefused);
  EXPECT_EQ(outcome(StatusCode::kInvalidArgument, "INVALID_FIELDS"), Outcome::kRefused);
  EXPECT_EQ(outcome(StatusCode::kUnavailable, "SHUTTING_DOWN"), Outcome::kUnknown);
  EXPECT_EQ(outcome(StatusCode::kDeadlineExceeded, "ANY"), Outcome::kUnknown);
  EXPECT_EQ(outcome(StatusCode::kCancelled, "ANY"), Outcome::kUnknown);
}

TEST(OutcomeOf, IsUnknownWithoutTheExecutorsWord) {
  using grpc::StatusCode;
  for (StatusCode code : {StatusCode::CANCELLED, StatusCode::DEADLINE_EXCEEDED, StatusCode::UNKNOWN,
                          StatusCode::UNAVAILABLE, StatusCode::INTERNAL}) {
    EXPECT_EQ(OutcomeOf(grpc::Status(code, "")), Outcome::kUnknown) << code;
  }
}

TEST(IsOutOfRoom, TakesOnlyTheExecutorsOwnWord) {
  EXPECT_TRUE(IsOutOfRoom(NoRoom()));
  EXPECT_FALSE(IsOutOfRoom(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too large")));
  EXPECT_FALSE(IsOutOfRoom(grpc::Status::OK));
}

}  // namespace
}  // namespace cloister::frontend
