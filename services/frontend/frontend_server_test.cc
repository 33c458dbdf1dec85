// Who may do what, over mutual TLS, at both hops: client -> frontend -> executor.
#include "services/frontend/frontend_server.h"

#include <grpcpp/client_context.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "cloister/v1/node_service.grpc.pb.h"
#include "cloister/v1/node_session.grpc.pb.h"
#include "cloister/v1/task_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/method_table.h"
#include "libs/task/task_id.h"
#include "services/executor/node_session.h"
#include "services/frontend/testing/fake_task_service.h"
#include "services/frontend/testing/test_cluster.h"
#include "tests/testing/test_ca.h"

namespace cloister::frontend {
namespace {

using grpc::StatusCode;

// An executor over mutual TLS with this certificate, whatever node it says it is.
class TlsExecutor {
 public:
  TlsExecutor(const std::string& node_id, const rpc::TlsFiles& certificate)
      : tasks_(node_id),
        authorizer_(*rpc::Authorizer::Create(rpc::ExecutorMethodTable(), {}, false)) {
    rpc::ServerOptions options;
    options.listen = {*rpc::ParseAddress("127.0.0.1:0")};
    options.tls = certificate;
    options.services = {rpc::Serve<v1::TaskService>(&tasks_)};
    auto server = rpc::Server::Start(std::move(options), &authorizer_, &drain_);
    EXPECT_THAT(server, IsOk());
    server_ = *std::move(server);
  }
  std::string address() const { return server_->addresses().front().ToString(); }
  FakeTaskService& tasks() { return tasks_; }

 private:
  FakeTaskService tasks_;
  const rpc::Authorizer authorizer_;
  rpc::DrainSignal drain_;
  std::unique_ptr<rpc::Server> server_;
};

class FrontendServerTest : public ::testing::Test {
 protected:
  FrontendServerTest() : ca_(MakeCa()) {
    FrontendConfig config;
    config.listen = {*rpc::ParseAddress("127.0.0.1:0")};
    config.tls = *ca_.Issue("frontend", "f1");
    auto server = FrontendServer::Start(std::move(config), &clock_);
    EXPECT_THAT(server, IsOk());
    server_ = *std::move(server);
  }
  ~FrontendServerTest() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  TestCa MakeCa() {
    std::string path = "/tmp/frontend-tls-XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    directory_ = path;
    return *TestCa::Create(directory_);
  }

  std::shared_ptr<grpc::Channel> ChannelAs(const std::string& role, const std::string& name) {
    rpc::ChannelOptions options;
    options.tls = *ca_.Issue(role, name);
    options.expected = {{rpc::Role::kFrontend}, "f1"};
    options.retried_services.clear();
    return *rpc::OpenChannel(server_->addresses().front(), options);
  }

  grpc::Status StartAs(const std::string& role, const std::string& name, v1::Task* task = nullptr) {
    auto stub = v1::TaskService::NewStub(ChannelAs(role, name));
    grpc::ClientContext context;
    v1::StartTaskResponse response;
    const grpc::Status status = stub->StartTask(&context, MakeStart("r1"), &response);
    if (task != nullptr) *task = response.task();
    return status;
  }

  // How the session of `node` ends, or OK when it is registered.
  grpc::Status JoinAs(const std::string& role, const std::string& name, const std::string& node_id,
                      const std::string& address = "10.0.0.1:7000") {
    auto stub = v1::NodeSession::NewStub(ChannelAs(role, name));
    grpc::ClientContext context;
    auto stream = stub->Join(&context);
    v1::JoinRequest request;
    request.mutable_register_()->mutable_node()->set_id(node_id);
    request.mutable_register_()->mutable_node()->set_address(address);
    stream->Write(request);
    v1::JoinResponse response;
    if (!stream->Read(&response)) return stream->Finish();
    context.TryCancel();
    stream->Finish();
    return grpc::Status::OK;
  }

  // A session of the executor's own making, READY when this returns.
  std::unique_ptr<executor::NodeSession> JoinAndWait(const std::string& node_id,
                                                     TlsExecutor& executor) {
    executor::NodeSessionOptions options;
    options.frontends = {"f1"};
    options.dial = [this, node_id](const std::string&) { return ChannelAs("node", node_id); };
    options.node.set_id(node_id);
    options.node.set_address(executor.address());
    options.boot_id = "boot";
    options.snapshot = [&executor] { return executor.tasks().Snapshot(); };
    auto session = std::make_unique<executor::NodeSession>(std::move(options), &clock_);
    auto nodes = v1::NodeService::NewStub(ChannelAs("admin", "root"));
    grpc::Status status;
    do {
      grpc::ClientContext context;
      v1::GetNodeRequest request;
      request.set_node_id(node_id);
      v1::GetNodeResponse response;
      status = nodes->GetNode(&context, request, &response);
    } while (!status.ok());
    return session;
  }

  std::string directory_;
  const RealClock clock_;
  TestCa ca_;
  std::unique_ptr<FrontendServer> server_;
};

TEST_F(FrontendServerTest, LetsSchedulersUseTaskService) {
  for (const char* role : {"client", "admin"}) {
    EXPECT_EQ(ReasonOf(StartAs(role, "alice")), "NO_NODES") << role;
  }
}

TEST_F(FrontendServerTest, RefusesTaskServiceToNodesAndFrontends) {
  for (const char* role : {"node", "frontend"}) {
    EXPECT_EQ(StartAs(role, "x").error_code(), StatusCode::PERMISSION_DENIED) << role;
  }
}

TEST_F(FrontendServerTest, RefusesSessionsToAllButTheNodeItself) {
  EXPECT_TRUE(JoinAs("node", "n1", "n1").ok());
  const grpc::Status other = JoinAs("node", "n1", "n2");
  EXPECT_EQ(other.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(other), "NODE_NAME_MISMATCH");
  EXPECT_EQ(ReasonOf(JoinAs("node", "n1", "n1", "unix:/run/x.sock")), "NODE_ADDRESS_NOT_ALLOWED");
  for (const char* role : {"client", "admin", "frontend"}) {
    EXPECT_EQ(JoinAs(role, "n1", "n1").error_code(), StatusCode::PERMISSION_DENIED) << role;
  }
}

TEST_F(FrontendServerTest, DoesNotBelieveACallerWhoNamesAnother) {
  auto stub = v1::TaskService::NewStub(ChannelAs("client", "mallory"));
  grpc::ClientContext context;
  context.AddMetadata("cloister-principal", "client/alice");
  v1::StartTaskResponse response;
  EXPECT_EQ(stub->StartTask(&context, MakeStart("r1"), &response).error_code(),
            StatusCode::PERMISSION_DENIED);
}

TEST_F(FrontendServerTest, ForwardsForItsCallerToTheNodesOwnExecutor) {
  TlsExecutor executor("n1", *ca_.Issue("node", "n1"));
  const auto session = JoinAndWait("n1", executor);
  v1::Task task;
  const grpc::Status status = StartAs("client", "alice", &task);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(task.id(), task::DeriveTaskId("client/alice", "r1"));
  EXPECT_EQ(executor.tasks().last_principal(), "client/alice");
}

TEST_F(FrontendServerTest, DoesNotSpeakToAnExecutorThatIsNotTheNode) {
  TlsExecutor impostor("n1", *ca_.Issue("node", "n2"));
  const auto session = JoinAndWait("n1", impostor);
  EXPECT_EQ(ReasonOf(StartAs("client", "alice")), "NODE_UNREACHABLE");
  EXPECT_EQ(impostor.tasks().starts(), 0u);
}

TEST_F(FrontendServerTest, RefusesPlaintextBeyondThisMachine) {
  FrontendConfig config;
  config.listen = {*rpc::ParseAddress("0.0.0.0:0")};
  config.dev = true;
  EXPECT_FALSE(FrontendServer::Start(config, &clock_).ok());
  config.listen = {*rpc::ParseAddress("127.0.0.1:0")};
  config.dev = false;
  EXPECT_FALSE(FrontendServer::Start(config, &clock_).ok()) << "loopback, but not dev";
}

TEST_F(FrontendServerTest, DrainsWithoutWaitingForSessions) {
  TlsExecutor executor("n1", *ca_.Issue("node", "n1"));
  const auto session = JoinAndWait("n1", executor);
  server_->Drain(absl::InfiniteDuration());
}

}  // namespace
}  // namespace cloister::frontend
