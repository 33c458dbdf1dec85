#include "services/frontend/wait_task.h"

#include <deque>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "services/frontend/testing/test_cluster.h"

namespace cloister::frontend {
namespace {

// One WaitTask on its way.
class Wait {
 public:
  Wait(TestCluster& cluster, const std::string& task_id) {
    request_.set_task_id(task_id);
    cluster.tasks().async()->WaitTask(&context_, &request_, &response_,
                                      [this](const grpc::Status& status) {
                                        absl::MutexLock lock(&mu_);
                                        status_ = status;
                                        done_ = true;
                                      });
  }
  grpc::Status Join() {
    absl::MutexLock lock(&mu_, absl::Condition(&done_));
    return status_;
  }
  const v1::Task& task() const { return response_.task(); }
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  v1::WaitTaskRequest request_;
  v1::WaitTaskResponse response_;
  absl::Mutex mu_;
  bool done_ = false;
  grpc::Status status_;
};

// Each look is a round trip, so that the calls on their way get on.
void AwaitWaits(TestCluster& cluster, size_t count) {
  while (cluster.frontend().frontend().subscribers() != count) {
    v1::Task task;
    cluster.Get("t", &task);
  }
}

int ThreadCount() {
  std::ifstream status("/proc/self/status");
  std::string line;
  int threads = 0;
  while (std::getline(status, line)) {
    absl::string_view value = line;
    if (absl::ConsumePrefix(&value, "Threads:") && absl::SimpleAtoi(value, &threads)) break;
  }
  return threads;
}

TEST(WaitTask, AnswersWhenTheTaskHasEnded) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  Wait before(cluster, task.id());
  AwaitWaits(cluster, 1);
  node.tasks().Exit(task.id(), 7);
  EXPECT_TRUE(before.Join().ok());
  EXPECT_EQ(before.task().exit_result().exit_code(), 7);
  Wait after(cluster, task.id());
  EXPECT_TRUE(after.Join().ok());
  EXPECT_EQ(after.task().state(), v1::TASK_STATE_EXITED);
}

TEST(WaitTask, OutlivesTheLossOfTheNode) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  Wait wait(cluster, task.id());
  AwaitWaits(cluster, 1);
  cluster.Lose(node);
  node.StopServing();
  node.tasks().Exit(task.id(), 3);
  node.StartServing();
  cluster.Join(node);
  EXPECT_TRUE(wait.Join().ok());
  EXPECT_EQ(wait.task().exit_result().exit_code(), 3);
}

TEST(WaitTask, AnswersForAnEndedTaskOfALostNode) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  node.tasks().Exit(task.id(), 3);
  Wait first(cluster, task.id());
  EXPECT_TRUE(first.Join().ok());
  cluster.Lose(node);
  Wait wait(cluster, task.id());
  EXPECT_TRUE(wait.Join().ok());
  EXPECT_TRUE(wait.task().node_unreachable());
}

TEST(WaitTask, SaysThatTheTaskIsGone) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  Wait unknown(cluster, "unheard-of");
  EXPECT_EQ(ReasonOf(unknown.Join()), "TASK_UNKNOWN");
  const v1::Task task = cluster.Start("r1");
  Wait wait(cluster, task.id());
  AwaitWaits(cluster, 1);
  node.tasks().Remove(task.id());
  EXPECT_EQ(ReasonOf(wait.Join()), "TASK_UNKNOWN");
}

TEST(WaitTask, LeavesNothingWhenItsCallerGoes) {
  TestCluster cluster;
  cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  Wait wait(cluster, task.id());
  AwaitWaits(cluster, 1);
  wait.Cancel();
  EXPECT_EQ(wait.Join().error_code(), grpc::StatusCode::CANCELLED);
  AwaitWaits(cluster, 0);
}

TEST(WaitTask, IsEndedWhenTheFrontendStops) {
  TestCluster cluster;
  cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  Wait wait(cluster, task.id());
  AwaitWaits(cluster, 1);
  cluster.frontend().drain().Fire();
  EXPECT_EQ(ReasonOf(wait.Join()), "SHUTTING_DOWN");
}

TEST(WaitTask, HoldsNoThread) {
  constexpr size_t kWaits = 2000;
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  const int threads_before = ThreadCount();
  std::deque<Wait> waits;
  for (size_t i = 0; i < kWaits; ++i) waits.emplace_back(cluster, task.id());
  AwaitWaits(cluster, kWaits);
  EXPECT_LT(ThreadCount(), threads_before + 32);
  node.tasks().Exit(task.id(), 0);
  for (Wait& wait : waits) EXPECT_TRUE(wait.Join().ok());
}

}  // namespace
}  // namespace cloister::frontend
