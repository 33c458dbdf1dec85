#include "tests/testing/cluster_fixture.h"

#include <stdlib.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/random_id.h"
#include "tests/testing/leftovers.h"
#include "tools/cloister/client.h"
#include "tools/cloister/dev_layout.h"
#include "tools/cloister/dev_processes.h"

namespace cloister {
namespace {

constexpr size_t kLinesShown = 40;

void ShowLogs(const DevLayout& layout) {
  for (const std::string name : {"frontend", "node-1", "node-2", "node-3"}) {
    const std::string words = LastLines(absl::StrCat(layout.log_directory, "/", name), kLinesShown);
    if (!words.empty()) std::cerr << "--- " << name << "\n" << words << "\n";
  }
}

// Of the suite that runs: between two of its tests.
struct SharedCluster {
  LocalClusterOptions options;
  std::unique_ptr<LocalCluster> cluster;
};

SharedCluster& Shared() {
  static SharedCluster* const shared = new SharedCluster;
  return *shared;
}

void FailForEach(const absl::StatusOr<std::vector<std::string>>& leftovers) {
  EXPECT_TRUE(leftovers.ok()) << leftovers.status();
  if (!leftovers.ok()) return;
  for (const std::string& leftover : *leftovers) ADD_FAILURE() << "left behind: " << leftover;
}

void DestroyAll(Client& client) {
  const absl::StatusOr<std::vector<v1::Task>> tasks = client.ListTasks({});
  EXPECT_TRUE(tasks.ok()) << tasks.status();
  if (!tasks.ok()) return;
  for (const v1::Task& task : *tasks) {
    v1::DestroyTaskRequest request;
    request.set_request_id(RandomId());
    request.set_task_id(task.id());
    request.set_force(true);
    // The frontend may not have heard yet that a node has forgotten it.
    request.set_allow_missing(true);
    const absl::Status destroyed = client.DestroyTask(request);
    EXPECT_TRUE(destroyed.ok()) << task.id() << ": " << destroyed;
  }
}

void StopAndLook(std::unique_ptr<LocalCluster> cluster) {
  const absl::Status stopped = cluster->Stop();
  EXPECT_TRUE(stopped.ok()) << stopped;
  FailForEach(FindLeftovers(cluster->layout()));
}

}  // namespace

void ClusterTest::SetUp() {
  const absl::Status can_run = RunsWithoutRoot() ? absl::OkStatus() : LocalCluster::CanRun();
  if (!can_run.ok()) {
    ASSERT_EQ(getenv("CLOISTER_REQUIRE_ROOT"), nullptr) << can_run;
    GTEST_SKIP() << can_run.message();
  }
  options_ = Options();
  std::unique_ptr<LocalCluster> shared = std::move(Shared().cluster);
  if (shared != nullptr && SharesItsCluster() && Shared().options == options_) {
    cluster_ = std::move(shared);
    return;
  }
  if (shared != nullptr) StopAndLook(std::move(shared));
  absl::StatusOr<std::unique_ptr<LocalCluster>> cluster = LocalCluster::Start(options_);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  cluster_ = *std::move(cluster);
}

void ClusterTest::TearDown() {
  if (cluster_ == nullptr) return;
  const DevLayout layout = cluster_->layout();
  if (SharesItsCluster()) DestroyTasks();
  if (SharesItsCluster() && !HasFailure()) {
    Shared() = {options_, std::move(cluster_)};
    return;
  }
  StopAndLook(std::move(cluster_));
  if (HasFailure()) ShowLogs(layout);
}

void ClusterTest::TearDownTestSuite() {
  if (Shared().cluster == nullptr) return;
  StopAndLook(std::move(Shared().cluster));
}

// At the frontend, which forgets them then, and at the nodes, of which it may know nothing just
// now.
void ClusterTest::DestroyTasks() {
  DestroyAll(cluster_->client());
  for (int node = 1; node <= cluster_->node_count(); ++node) {
    DestroyAll(cluster_->executor_client(node));
  }
  FailForEach(FindTaskLeftovers(cluster_->layout(), cluster_->node_count()));
}

}  // namespace cloister
