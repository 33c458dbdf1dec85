// Parts of a cluster dying under live tasks: what must not be noticed, and what must be said.
#include <signal.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "libs/os/pidfd.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/leftovers.h"
#include "tests/testing/local_cluster.h"

namespace cloister {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Recovery : public ClusterTest {
 protected:
  v1::Task Start(const std::vector<std::string>& command, const std::string& node = "") {
    v1::StartTaskRequest request;
    request.set_request_id(RandomId());
    request.set_node_id(node);
    request.mutable_config()->mutable_config()->set_command(command[0]);
    for (size_t i = 1; i < command.size(); ++i)
      request.mutable_config()->mutable_config()->add_args(command[i]);
    request.mutable_config()->mutable_resources()->set_memory(16);
    absl::StatusOr<v1::Task> task = cluster().client().StartTask(request);
    EXPECT_THAT(task, IsOk());
    return task.ok() ? *task : v1::Task();
  }

  // Reads the task's stdout until `word` is in it.
  void AwaitOutput(const std::string& task_id, const std::string& word) {
    v1::ReadLogsRequest request;
    request.set_task_id(task_id);
    request.set_stream(v1::LOG_STREAM_STDOUT);
    request.set_follow(true);
    std::string seen;
    const auto take = [&](absl::string_view piece) {
      absl::StrAppend(&seen, piece);
      return seen.find(word) != std::string::npos ? absl::CancelledError("seen") : absl::OkStatus();
    };
    EXPECT_THAT(cluster().client().ReadLogs(request, take), StatusIs(absl::StatusCode::kCancelled));
  }

  void Signal(const std::string& task_id, const std::string& signal) {
    v1::SignalTaskRequest request;
    request.set_request_id(RandomId());
    request.set_task_id(task_id);
    request.set_signal(signal);
    EXPECT_THAT(cluster().client().SignalTask(request), IsOk());
  }
};

TEST_F(Recovery, ExecutorKilledWithFiftyTasksLosesNothing) {
  const std::string node = cluster().node_id(1);
  std::map<std::string, int> tasks;
  for (int i = 0; i < 50; ++i) {
    tasks[Start({"/bin/sh", "-c",
                 absl::StrCat(
                     "trap 'echo last; exit ", i,
                     "' USR1; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done; "
                     "echo ready; while :; do sleep 1000 & wait $!; done")},
                node)
              .id()] = i;
  }
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  for (const auto& task : tasks) {
    absl::StatusOr<v1::Task> found = cluster().client().GetTask(task.first);
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->state(), v1::TASK_STATE_RUNNING);
  }
  for (const auto& task : tasks) {
    // Its traps stand when it says so.
    AwaitOutput(task.first, "ready");
    Signal(task.first, "USR1");
  }
  for (const auto& task : tasks) {
    absl::StatusOr<v1::Task> ended = cluster().client().WaitTask(task.first);
    ASSERT_THAT(ended, IsOk());
    EXPECT_EQ(ended->exit_result().exit_code(), task.second);
    std::string expected;
    for (int i = 1; i <= 2000; ++i) absl::StrAppend(&expected, "line ", i, "\n");
    EXPECT_THAT(cluster().ReadAll(task.first, v1::LOG_STREAM_STDOUT),
                IsOkAndHolds(absl::StrCat(expected, "ready\nlast\n")));
    EXPECT_THAT(cluster().Destroy(task.first), IsOk());
  }
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 1), IsOkAndHolds(IsEmpty()));
}

TEST_F(Recovery, ExitWhileTheExecutorIsAwayIsReported) {
  const std::string node = cluster().node_id(1);
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i)
    ids.push_back(
        Start({Payload("exit_on_signal"), absl::StrCat(SIGUSR1), absl::StrCat(i)}, node).id());
  for (const std::string& id : ids) AwaitOutput(id, "ready");
  std::vector<int64_t> pids;
  for (const std::string& id : ids) pids.push_back(cluster().client().GetTask(id)->pid());
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  // init forwards what it is sent.
  for (int64_t pid : pids) {
    absl::StatusOr<PidFd> init = PidFd::Open(static_cast<pid_t>(pid));
    ASSERT_THAT(init, IsOk());
    ASSERT_THAT(init->Signal(SIGUSR1), IsOk());
  }
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  for (int i = 0; i < 10; ++i) {
    absl::StatusOr<v1::Task> ended = cluster().client().WaitTask(ids[static_cast<size_t>(i)]);
    ASSERT_THAT(ended, IsOk());
    EXPECT_EQ(ended->exit_result().exit_code(), i);
  }
}

TEST_F(Recovery, RepeatedKillsOfTheExecutorAreHarmless) {
  const std::string node = cluster().node_id(1);
  std::vector<std::string> ids;
  for (int round = 0; round < 8; ++round) {
    ids.push_back(Start({Payload("sleep_forever")}, node).id());
    ASSERT_THAT(cluster().KillExecutor(1), IsOk());
    ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  }
  for (const std::string& id : ids)
    EXPECT_EQ(cluster().client().GetTask(id)->state(), v1::TASK_STATE_RUNNING);
}

TEST_F(Recovery, LauncherKilledMakesItsTasksLostAndLeavesNothing) {
  const std::string node = cluster().node_id(1);
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(Start({Payload("sleep_forever")}, node).id());
  ASSERT_THAT(cluster().KillLaunchers(1), IsOk());
  for (const std::string& id : ids) {
    absl::StatusOr<v1::Task> ended = cluster().client().WaitTask(id);
    ASSERT_THAT(ended, IsOk());
    EXPECT_EQ(ended->state(), v1::TASK_STATE_LOST);
    EXPECT_THAT(ended->exit_result().lost_reason(), HasSubstr("launcher"));
    EXPECT_THAT(cluster().Destroy(id), IsOk());
  }
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 1), IsOkAndHolds(IsEmpty()));
  // The next task gets a new launcher.
  EXPECT_EQ(Start({Payload("sleep_forever")}, node).state(), v1::TASK_STATE_RUNNING);
}

TEST_F(Recovery, FrontendComesBackKnowingAllTasks) {
  const std::string id = Start({Payload("sleep_forever")}).id();
  ASSERT_THAT(cluster().KillFrontend(), IsOk());
  ASSERT_THAT(cluster().StartFrontend(), IsOk());
  absl::StatusOr<v1::Task> found = cluster().client().GetTask(id);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->state(), v1::TASK_STATE_RUNNING);
}

TEST_F(Recovery, NodeThatIsGoneIsSaidToBeUnreachable) {
  const v1::Task task = Start({Payload("sleep_forever")}, cluster().node_id(1));
  grpc::ClientContext context;
  auto stream = cluster().tasks().WatchTasks(&context, v1::WatchTasksRequest());
  v1::WatchTasksResponse event;
  // Watching, before the node goes: else its loss is part of the snapshot and no event.
  while (stream->Read(&event) && event.type() != v1::WatchTasksResponse::TYPE_SYNCED) {
  }
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  while (stream->Read(&event) && event.type() != v1::WatchTasksResponse::TYPE_NODE_CHANGED) {
  }
  EXPECT_TRUE(event.task().node_unreachable());
  context.TryCancel();
  absl::StatusOr<v1::Task> found = cluster().client().GetTask(task.id());
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->state(), v1::TASK_STATE_RUNNING);
  EXPECT_TRUE(found->node_unreachable());
  EXPECT_EQ(cluster().client().GetNode(cluster().node_id(1))->state(), v1::NODE_STATE_UNREACHABLE);
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  EXPECT_FALSE(cluster().client().GetTask(task.id())->node_unreachable());
}

}  // namespace
}  // namespace cloister
