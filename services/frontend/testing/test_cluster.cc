#include "services/frontend/testing/test_cluster.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <stdlib.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/rpc/principal.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::frontend {
namespace {

std::shared_ptr<grpc::Channel> DialPlain(const std::string& address) {
  grpc::ChannelArguments arguments;
  // A channel of our own: no other test's connection, no other channel's back-off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

absl::StatusOr<rpc::Principal> TestCaller(const grpc::ServerContextBase& context) {
  const auto named = context.client_metadata().find("test-caller");
  if (named == context.client_metadata().end()) return rpc::Principal::Parse("client/test");
  return rpc::Principal::Parse({named->second.data(), named->second.size()});
}

std::unique_ptr<grpc::Server> Serve(const std::string& address,
                                    const std::vector<grpc::Service*>& services) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  EXPECT_NE(server, nullptr) << address;
  return server;
}

void ShutdownNow(grpc::Server* server) {
  if (server == nullptr) return;
  server->Shutdown(std::chrono::system_clock::now());
  server->Wait();
}

}  // namespace

SocketDirectory::SocketDirectory() {
  // Not TEST_TMPDIR: Bazel's is longer than a socket's path may be.
  std::string path = "/tmp/frontend-test-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  path_ = path;
}

SocketDirectory::~SocketDirectory() { std::filesystem::remove_all(path_); }

std::string SocketDirectory::Address(absl::string_view name) const {
  return absl::StrCat("unix:", path_, "/", name);
}

TestFrontend::TestFrontend(std::string address, Options options) : address_(std::move(address)) {
  Frontend::Options parts;
  parts.task_service.caller_of = TestCaller;
  parts.task_service.watch_limit = options.watch_limit;
  parts.join.frontend_id = "test-frontend";
  parts.join.heartbeat_interval = options.heartbeat_interval;
  parts.join.may_join = [](const grpc::ServerContextBase&, const v1::Node& node) {
    return node.id() == "forbidden" ? absl::PermissionDeniedError("not this node")
                                    : absl::OkStatus();
  };
  parts.dial = [](const v1::Node& node) { return DialPlain(node.address()); };
  frontend_ = std::make_unique<Frontend>(std::move(parts), &drain_, &clock_);
  server_ = Serve(address_, {frontend_->task_service(), frontend_->node_service(),
                             frontend_->node_session_service()});
}

TestFrontend::~TestFrontend() {
  drain_.Fire();
  ShutdownNow(server_.get());
}

std::shared_ptr<grpc::Channel> TestFrontend::NewChannel() const { return DialPlain(address_); }

FakeExecutor::FakeExecutor(std::string node_id, std::string address) {
  node_.set_id(node_id);
  node_.set_address(std::move(address));
  node_.mutable_capacity()->set_tasks(10000);
  node_.mutable_capacity()->set_memory_mib(10000000);
  service_ = std::make_unique<FakeTaskService>(std::move(node_id));
  StartServing();
}

FakeExecutor::~FakeExecutor() {
  Leave();
  ShutdownNow(server_.get());
}

void FakeExecutor::Join(const std::string& frontend_address) {
  Leave();
  executor::NodeSessionOptions options;
  options.frontends = {frontend_address};
  options.dial = DialPlain;
  options.node = node_;
  options.boot_id = "test-boot";
  options.snapshot = [this] { return service_->Snapshot(); };
  options.min_retry = absl::Milliseconds(5);
  options.max_retry = absl::Milliseconds(50);
  session_ = std::make_unique<executor::NodeSession>(std::move(options), &clock_);
  service_->Listen(
      {.updated = [session = session_.get()](const v1::Task& task) { session->Update(task); },
       .destroyed = [session = session_.get()](const std::string& id) { session->Destroyed(id); }});
}

void FakeExecutor::Leave() {
  service_->Listen({});
  session_.reset();
}

void FakeExecutor::StopServing() {
  ShutdownNow(server_.get());
  server_.reset();
}

void FakeExecutor::StartServing() { server_ = Serve(node_.address(), {service_.get()}); }

TestCluster::TestCluster(TestFrontend::Options options) : options_(options) { Connect(); }

FakeExecutor& TestCluster::AddNode(const std::string& node_id,
                                   const std::function<void(v1::Node*)>& edit) {
  auto& executor = executors_[node_id];
  executor = std::make_unique<FakeExecutor>(node_id, directory_.Address(node_id));
  if (edit) edit(executor->mutable_node());
  Join(*executor);
  return *executor;
}

void TestCluster::Join(FakeExecutor& node) {
  node.Join(frontend_->address());
  AwaitNodeState(node.node().id(), v1::NODE_STATE_READY);
}

void TestCluster::Lose(FakeExecutor& node) {
  node.Leave();
  AwaitNodeState(node.node().id(), v1::NODE_STATE_UNREACHABLE);
}

void TestCluster::RestartFrontend() {
  frontend_.reset();
  Connect();
}

v1::Task TestCluster::Start(const std::string& request_id, const std::string& node_id) {
  grpc::ClientContext context;
  v1::StartTaskResponse response;
  const grpc::Status status =
      tasks_->StartTask(&context, MakeStart(request_id, node_id), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.task();
}

grpc::Status TestCluster::Get(const std::string& task_id, v1::Task* task) {
  grpc::ClientContext context;
  v1::GetTaskRequest request;
  request.set_task_id(task_id);
  v1::GetTaskResponse response;
  const grpc::Status status = tasks_->GetTask(&context, request, &response);
  *task = response.task();
  return status;
}

void TestCluster::AwaitNodeState(const std::string& node_id, v1::NodeState state) {
  // There is no watch of nodes yet: ask until it is so. Each question is a round trip.
  v1::GetNodeResponse response;
  do {
    grpc::ClientContext context;
    v1::GetNodeRequest request;
    request.set_node_id(node_id);
    response.Clear();
    nodes_->GetNode(&context, request, &response);
  } while (response.node().state() != state);
}

void TestCluster::Connect() {
  frontend_ = std::make_unique<TestFrontend>(directory_.Address("frontend"), options_);
  const std::shared_ptr<grpc::Channel> channel = frontend_->NewChannel();
  tasks_ = v1::TaskService::NewStub(channel);
  nodes_ = v1::NodeService::NewStub(channel);
}

std::string ReasonOf(const grpc::Status& status) { return GetReason(rpc::FromGrpcStatus(status)); }

v1::StartTaskRequest MakeStart(const std::string& request_id, const std::string& node_id) {
  v1::StartTaskRequest request;
  request.set_request_id(request_id);
  request.set_node_id(node_id);
  request.mutable_config()->mutable_config()->set_command("/bin/true");
  return request;
}

}  // namespace cloister::frontend
