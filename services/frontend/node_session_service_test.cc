#include "services/frontend/node_session_service.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "services/frontend/testing/test_cluster.h"

namespace cloister::frontend {
namespace {

// A session spoken message by message.
class RawSession {
 public:
  explicit RawSession(TestCluster& cluster)
      : stub_(v1::NodeSession::NewStub(cluster.frontend().NewChannel())),
        stream_(stub_->Join(&context_)) {}
  ~RawSession() {
    context_.TryCancel();
    if (!finished_) stream_->Finish();
  }

  bool Register(const std::string& node_id, const std::string& boot_id = "boot",
                const std::string& incarnation = "1") {
    v1::JoinRequest request;
    v1::RegisterNode* node = request.mutable_register_();
    node->mutable_node()->set_id(node_id);
    node->mutable_node()->set_address("unix:/nowhere");
    node->set_boot_id(boot_id);
    node->set_incarnation(incarnation);
    return Exchange(request);
  }
  bool Status(uint64_t sequence, bool synced = false) {
    v1::JoinRequest request;
    request.mutable_status()->set_sequence(sequence);
    request.mutable_status()->set_synced(synced);
    return Exchange(request);
  }
  // Sends and reads the answer; false at the end of the stream.
  bool Exchange(const v1::JoinRequest& request) {
    return stream_->Write(request) && stream_->Read(&answer_);
  }
  const v1::JoinResponse& answer() const { return answer_; }
  // Reads to the end, answering nothing.
  grpc::Status Finish() {
    while (stream_->Read(&answer_)) {
    }
    finished_ = true;
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::NodeSession::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::JoinRequest, v1::JoinResponse>> stream_;
  v1::JoinResponse answer_;
  bool finished_ = false;
};

TEST(NodeSessionService, AcknowledgesEachMessage) {
  TestCluster cluster;
  RawSession session(cluster);
  ASSERT_TRUE(session.Register("n1"));
  EXPECT_EQ(session.answer().frontend_id(), "test-frontend");
  EXPECT_EQ(session.answer().heartbeat_interval_ms(), 5000);
  EXPECT_EQ(session.answer().acked_sequence(), 0u);
  for (uint64_t sequence : {1, 2, 3}) {
    ASSERT_TRUE(session.Status(sequence, sequence == 2));
    EXPECT_EQ(session.answer().acked_sequence(), sequence);
  }
  cluster.AwaitNodeState("n1", v1::NODE_STATE_READY);
}

TEST(NodeSessionService, RefusesWhoMayNotJoinAsThisNode) {
  TestCluster cluster;
  RawSession session(cluster);
  EXPECT_FALSE(session.Register("forbidden"));
  EXPECT_EQ(session.Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST(NodeSessionService, RefusesMessagesThatMakeNoSense) {
  TestCluster cluster;
  {
    RawSession session(cluster);
    EXPECT_FALSE(session.Status(1));
    EXPECT_EQ(session.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << "status before register";
  }
  {
    RawSession session(cluster);
    EXPECT_FALSE(session.Exchange({}));
    EXPECT_EQ(session.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "empty";
  }
  {
    RawSession session(cluster);
    ASSERT_TRUE(session.Register("n1"));
    EXPECT_FALSE(session.Register("n1"));
    EXPECT_EQ(session.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "twice";
  }
  RawSession session(cluster);
  ASSERT_TRUE(session.Register("n1"));
  EXPECT_FALSE(session.Status(2));
  EXPECT_EQ(session.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "a gap";
}

TEST(NodeSessionService, RefusesASecondExecutorWithTheSameId) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  RawSession session(cluster);
  EXPECT_FALSE(session.Register("n1", "another-boot"));
  const grpc::Status status = session.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(status), "NODE_ID_IN_USE");
  EXPECT_EQ(cluster.Start("r1").node_id(), "n1") << "calls still go to the first";
  EXPECT_EQ(node.tasks().starts(), 1u);
}

TEST(NodeSessionService, LetsARestartedExecutorTakeItsOwnPlace) {
  TestCluster cluster;
  RawSession first(cluster);
  ASSERT_TRUE(first.Register("n1", "boot", "1"));
  ASSERT_TRUE(first.Status(1, /*synced=*/true));
  RawSession second(cluster);
  ASSERT_TRUE(second.Register("n1", "boot", "2"));
  EXPECT_EQ(first.Finish().error_code(), grpc::StatusCode::ABORTED);
  cluster.AwaitNodeState("n1", v1::NODE_STATE_UNREACHABLE);
  ASSERT_TRUE(second.Status(1, /*synced=*/true));
  cluster.AwaitNodeState("n1", v1::NODE_STATE_READY);
  RawSession late(cluster);
  EXPECT_FALSE(late.Register("n1", "boot", "1"));
  EXPECT_EQ(ReasonOf(late.Finish()), "NODE_ID_IN_USE") << "an earlier incarnation";
}

TEST(NodeSessionService, BreaksASilentSession) {
  TestFrontend::Options options;
  options.heartbeat_interval = absl::Milliseconds(20);
  TestCluster cluster(options);
  RawSession unregistered(cluster);
  RawSession session(cluster);
  ASSERT_TRUE(session.Register("n1"));
  ASSERT_TRUE(session.Status(1, /*synced=*/true));
  EXPECT_EQ(session.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  cluster.AwaitNodeState("n1", v1::NODE_STATE_UNREACHABLE);
  EXPECT_EQ(unregistered.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(NodeSessionService, KeepsAnIdleExecutorByItsHeartbeats) {
  TestFrontend::Options options;
  options.heartbeat_interval = absl::Milliseconds(20);
  TestCluster cluster(options);
  FakeExecutor& idle = cluster.AddNode("idle");
  // Ten times as long as a silent session would live.
  for (int i = 0; i < 10; ++i) {
    RawSession silent(cluster);
    silent.Finish();
  }
  cluster.AwaitNodeState("idle", v1::NODE_STATE_READY);
  EXPECT_EQ(cluster.Start("r1").node_id(), idle.node().id());
}

TEST(NodeSessionService, LosesTheNodeWithItsConnection) {
  TestCluster cluster;
  {
    RawSession session(cluster);
    ASSERT_TRUE(session.Register("n1"));
    ASSERT_TRUE(session.Status(1, /*synced=*/true));
  }
  cluster.AwaitNodeState("n1", v1::NODE_STATE_UNREACHABLE);
}

TEST(NodeSessionService, EndsSessionsWhenTheFrontendStops) {
  TestCluster cluster;
  RawSession session(cluster);
  ASSERT_TRUE(session.Register("n1"));
  cluster.frontend().drain().Fire();
  EXPECT_EQ(ReasonOf(session.Finish()), "SHUTTING_DOWN");
}

}  // namespace
}  // namespace cloister::frontend
