// TestCluster: a frontend and fake executors in one process, over unix sockets, for tests of the
// frontend's services as a client sees them.
#ifndef CLOISTER_SERVICES_FRONTEND_TESTING_TEST_CLUSTER_H_
#define CLOISTER_SERVICES_FRONTEND_TESTING_TEST_CLUSTER_H_

#include <grpcpp/server.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cloister/v1/node_service.grpc.pb.h"
#include "cloister/v1/node_session.grpc.pb.h"
#include "cloister/v1/task_service.grpc.pb.h"
#include "libs/base/clock.h"
#include "libs/rpc/drain_signal.h"
#include "services/executor/node_session.h"
#include "services/frontend/frontend.h"
#include "services/frontend/testing/fake_task_service.h"

namespace cloister::frontend {

// A directory of this test's own for sockets, short enough for them; removed with it.
class SocketDirectory {
 public:
  SocketDirectory();
  ~SocketDirectory();
  // "unix:<directory>/<name>"
  std::string Address(absl::string_view name) const;

 private:
  std::string path_;
};

// Callers are client/test, or whoever the metadata "test-caller" says.
class TestFrontend {
 public:
  struct Options {
    absl::Duration heartbeat_interval = absl::Seconds(5);
    size_t watch_limit = 16384;
  };
  TestFrontend(std::string address, Options options);
  ~TestFrontend();

  const std::string& address() const { return address_; }
  Frontend& frontend() { return *frontend_; }
  rpc::DrainSignal& drain() { return drain_; }
  std::shared_ptr<grpc::Channel> NewChannel() const;

 private:
  const std::string address_;
  const RealClock clock_;
  rpc::DrainSignal drain_;
  std::unique_ptr<Frontend> frontend_;
  std::unique_ptr<grpc::Server> server_;
};

class FakeExecutor {
 public:
  // Serves at `address`; no node of a cluster yet.
  FakeExecutor(std::string node_id, std::string address);
  ~FakeExecutor();

  FakeTaskService& tasks() { return *service_; }
  const v1::Node& node() const { return node_; }
  v1::Node* mutable_node() { return &node_; }

  // Begins a session; a living one ends before.
  void Join(const std::string& frontend_address);
  // Ends the session; the executor itself goes on.
  void Leave();
  // Ends the executor's server with all its calls; the session goes on.
  void StopServing();
  void StartServing();

 private:
  const RealClock clock_;
  v1::Node node_;
  std::unique_ptr<FakeTaskService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<executor::NodeSession> session_;
};

class TestCluster {
 public:
  explicit TestCluster(TestFrontend::Options options = {});

  // A node that is READY when this returns.
  FakeExecutor& AddNode(const std::string& node_id,
                        const std::function<void(v1::Node*)>& edit = nullptr);
  // Joins (again), and returns when it is READY.
  void Join(FakeExecutor& node);
  // Leaves, and returns when the frontend knows.
  void Lose(FakeExecutor& node);
  // Ends the frontend and begins another at the same address.
  void RestartFrontend();

  TestFrontend& frontend() { return *frontend_; }
  v1::TaskService::Stub& tasks() { return *tasks_; }
  v1::NodeService::Stub& nodes() { return *nodes_; }
  std::string NewAddress(absl::string_view name) { return directory_.Address(name); }

  // A start of a small task that succeeded.
  v1::Task Start(const std::string& request_id, const std::string& node_id = "");
  grpc::Status Get(const std::string& task_id, v1::Task* task);
  void AwaitNodeState(const std::string& node_id, v1::NodeState state);

 private:
  void Connect();

  const SocketDirectory directory_;
  const TestFrontend::Options options_;
  std::unique_ptr<TestFrontend> frontend_;
  std::unique_ptr<v1::TaskService::Stub> tasks_;
  std::unique_ptr<v1::NodeService::Stub> nodes_;
  std::map<std::string, std::unique_ptr<FakeExecutor>> executors_;
};

// The reason of an error, empty for OK.
std::string ReasonOf(const grpc::Status& status);

v1::StartTaskRequest MakeStart(const std::string& request_id, const std::string& node_id = "");

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_TESTING_TEST_CLUSTER_H_
