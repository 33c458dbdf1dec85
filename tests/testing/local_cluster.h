// A cluster of the test's own: the real frontend, executors and launchers as processes in the
// test's temporary directory, as `cloister dev` starts them. For tests declared with
// cloister_cluster_test (cluster_test.bzl), which bring the programs.
//
//   auto cluster = LocalCluster::Start();
//   ASSERT_THAT(cluster, IsOk());
//   absl::StatusOr<TaskOutcome> outcome = (*cluster)->Run({"/payloads/exit_code", "7"});
//   EXPECT_EQ(outcome->task.exit_result().exit_code(), 7);
//
// Needs root; CanRun() says why not. ClusterTest (cluster_fixture.h) starts and checks one for each
// test.
#ifndef CLOISTER_TESTS_TESTING_LOCAL_CLUSTER_H_
#define CLOISTER_TESTS_TESTING_LOCAL_CLUSTER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cloister/v1/node_service.grpc.pb.h"
#include "cloister/v1/task_service.grpc.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/os/pidfd.h"
#include "tools/cloister/client.h"
#include "tools/cloister/dev_cluster.h"
#include "tools/cloister/dev_layout.h"

namespace cloister {

struct LocalClusterOptions {
  // 0: as many as the test's BUILD file says.
  int nodes = 0;
  // "auto" or "none".
  std::string cgroups = "auto";
  // After ours: of two the later one counts.
  std::vector<std::string> frontend_flags;
  std::vector<std::string> executor_flags;

  bool operator==(const LocalClusterOptions& other) const {
    return nodes == other.nodes && cgroups == other.cgroups &&
           frontend_flags == other.frontend_flags && executor_flags == other.executor_flags;
  }
};

struct TaskOutcome {
  // As it ended.
  v1::Task task;
  // All that it wrote.
  std::string out;
  std::string err;
};

// Not thread-safe but for the stubs and clients. Nodes are counted from 1; their ids are "node-1"
// onwards.
class LocalCluster {
 public:
  // OK when this machine and user can run a cluster as root runs it; else the reason. What an
  // ordinary user's is like, without the means of root, is for tests that say so.
  static absl::Status CanRun();

  // Returns when all nodes are ready.
  static absl::StatusOr<std::unique_ptr<LocalCluster>> Start(LocalClusterOptions options = {});

  LocalCluster(const LocalCluster&) = delete;
  LocalCluster& operator=(const LocalCluster&) = delete;
  // Stops it; an error goes to stderr.
  ~LocalCluster();

  // Until Stop. The frontend: as the command line talks to it, and the bare stubs.
  Client& client() { return *client_; }
  v1::TaskService::Stub& tasks() { return *tasks_; }
  v1::NodeService::Stub& nodes() { return *nodes_; }
  int node_count() const { return static_cast<int>(executor_clients_.size()); }
  // One node's executor.
  Client& executor_client(int node) { return *executor_clients_[node - 1]; }
  v1::TaskService::Stub& executor_tasks(int node) { return *executor_tasks_[node - 1]; }
  // For other channels: "unix:/path".
  std::string address() const { return layout().address(); }
  std::string executor_address(int node) const { return layout().Node(node).address(); }
  std::string node_id(int node) const { return layout().Node(node).id; }

  // Starts the task through the frontend, waits for its end and reads its output. Fills in a
  // request id where there is none. The task stays, for the test to look at and destroy.
  absl::StatusOr<TaskOutcome> Run(v1::StartTaskRequest request);
  // The same of a command alone.
  absl::StatusOr<TaskOutcome> Run(const std::vector<std::string>& command);
  // StartTask alone: returns when the payload runs.
  absl::StatusOr<v1::Task> StartTask(const std::vector<std::string>& command);
  // Kills it if it runs, and forgets it.
  absl::Status Destroy(const std::string& task_id);
  // All that the task has written to that stream, once it has ended.
  absl::StatusOr<std::string> ReadAll(const std::string& task_id, v1::LogStream stream);

  // kill -9. Returns when the process is gone.
  absl::Status KillExecutor(int node);
  absl::Status KillFrontend();
  // All launchers of a node, and with them its tasks.
  absl::Status KillLaunchers(int node);
  // Starts what was killed and waits until all that runs is ready.
  absl::Status StartExecutor(int node);
  absl::Status StartFrontend();

  // Kills the tasks and ends every process; stubs and clients are gone then. Idempotent. The
  // directory stays, with the services' words in log/.
  absl::Status Stop();

  const DevLayout& layout() const { return cluster_.layout(); }

 private:
  explicit LocalCluster(DevOptions options);
  // Starts the process that ends the cluster should this one end without: at a time limit, say.
  absl::Status StartGuard();
  void Connect(int nodes);

  DevCluster cluster_;
  bool stopped_ = false;
  PidFd guard_;
  // The guard acts when this is closed, by us or by our end.
  OwnedFd guard_line_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<v1::TaskService::Stub> tasks_;
  std::unique_ptr<v1::NodeService::Stub> nodes_;
  std::vector<std::unique_ptr<Client>> executor_clients_;
  std::vector<std::unique_ptr<v1::TaskService::Stub>> executor_tasks_;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_TESTING_LOCAL_CLUSTER_H_
