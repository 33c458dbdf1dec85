// Tasks through frontend and executor: exits, signals, stops, output, idempotence, events, errors.
// Each case runs against the frontend and, where it says so, against an executor: one API, two
// servers.
#include <signal.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/leftovers.h"
#include "tests/testing/local_cluster.h"

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

v1::StartTaskRequest Request(const std::vector<std::string>& command) {
  v1::StartTaskRequest request;
  request.set_request_id(RandomId());
  request.mutable_config()->mutable_config()->set_command(command[0]);
  for (size_t i = 1; i < command.size(); ++i)
    request.mutable_config()->mutable_config()->add_args(command[i]);
  return request;
}

class Tasks : public ClusterTest {
 protected:
  bool SharesItsCluster() const override { return true; }

  v1::ExitResult ExitOf(const std::vector<std::string>& command) {
    absl::StatusOr<TaskOutcome> outcome = cluster().Run(command);
    EXPECT_THAT(outcome, IsOk());
    return outcome.ok() ? outcome->task.exit_result() : v1::ExitResult();
  }

  // Waits until the task's stdout begins with `text`.
  void AwaitOutput(const std::string& task_id, const std::string& text) {
    v1::ReadLogsRequest request;
    request.set_task_id(task_id);
    request.set_stream(v1::LOG_STREAM_STDOUT);
    request.set_follow(true);
    std::string seen;
    absl::Status status = cluster().client().ReadLogs(request, [&](absl::string_view piece) {
      absl::StrAppend(&seen, piece);
      return seen.size() >= text.size() ? absl::CancelledError("seen") : absl::OkStatus();
    });
    EXPECT_EQ(seen.substr(0, text.size()), text);
  }

  google::rpc::Status DetailsOf(const grpc::Status& status) {
    google::rpc::Status details;
    details.ParseFromString(status.error_details());
    return details;
  }
};

TEST_F(Tasks, ExitCodeIsThePayloads) {
  for (int code : {0, 7, 125, 137, 255}) {
    EXPECT_EQ(ExitOf({Payload("exit_code"), absl::StrCat(code)}).exit_code(), code);
  }
}

TEST_F(Tasks, DeathByASignalIsReportedAsThatSignal) {
  for (int signal : {SIGTERM, SIGKILL, SIGSEGV, SIGABRT, SIGUSR1}) {
    const v1::ExitResult result = ExitOf({Payload("die_by_signal"), absl::StrCat(signal)});
    EXPECT_EQ(result.signal(), signal);
    EXPECT_FALSE(result.oom_killed());
  }
}

TEST_F(Tasks, CommandThatIsNotThereIsASentenceAndLeavesNothing) {
  for (v1::TaskService::Stub* stub : {&cluster().tasks(), &cluster().executor_tasks(1)}) {
    grpc::ClientContext context;
    v1::StartTaskResponse response;
    const grpc::Status status = stub->StartTask(&context, Request({"/nope"}), &response);
    EXPECT_THAT(status.error_message(), HasSubstr("'/nope': no such file or directory"));
    ASSERT_GE(DetailsOf(status).details_size(), 1);
    google::rpc::ErrorInfo info;
    ASSERT_TRUE(DetailsOf(status).details(0).UnpackTo(&info));
    EXPECT_EQ(info.domain(), "cloister");
    EXPECT_FALSE(info.reason().empty());
  }
  // Of the nodes, as the frontend hears of what it did not ask for a moment later.
  EXPECT_THAT(cluster().executor_client(1).ListTasks({}), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(cluster().executor_client(2).ListTasks({}), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 2), IsOkAndHolds(IsEmpty()));
}

TEST_F(Tasks, BadInputIsToldWholeWithItsFields) {
  for (v1::TaskService::Stub* stub : {&cluster().tasks(), &cluster().executor_tasks(1)}) {
    v1::StartTaskRequest request = Request({""});
    request.mutable_config()->mutable_config()->set_work_dir("relative");
    request.mutable_config()->mutable_resources()->set_memory(-1);
    (*request.mutable_config()->mutable_env())["A=B"] = "x";
    grpc::ClientContext context;
    v1::StartTaskResponse response;
    const grpc::Status status = stub->StartTask(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    std::set<std::string> fields;
    const google::rpc::Status details = DetailsOf(status);
    for (const auto& any : details.details()) {
      google::rpc::BadRequest bad;
      if (!any.UnpackTo(&bad)) continue;
      for (const auto& violation : bad.field_violations()) fields.insert(violation.field());
    }
    EXPECT_THAT(fields,
                testing::IsSupersetOf({"config.command", "config.work_dir", "resources.memory"}));
    EXPECT_GE(fields.size(), 4u);
  }
}

TEST_F(Tasks, OutputIsCompleteAndInOrder) {
  absl::StatusOr<TaskOutcome> outcome = cluster().Run({Payload("write_bytes"), "5000001"});
  ASSERT_THAT(outcome, IsOk());
  ASSERT_EQ(outcome->out.size(), 5000001u);
  for (size_t line = 0; line + 1 < 5000001 / 16; ++line) {
    ASSERT_EQ(std::stoul(outcome->out.substr(line * 16, 15)), line);
  }
}

TEST_F(Tasks, LogsCanBeReadFromAnyOffset) {
  absl::StatusOr<TaskOutcome> outcome = cluster().Run({"/bin/sh", "-c", "echo 0123456789"});
  ASSERT_THAT(outcome, IsOk());
  v1::ReadLogsRequest request;
  request.set_task_id(outcome->task.id());
  request.set_stream(v1::LOG_STREAM_STDOUT);
  request.set_offset(4);
  std::string rest;
  ASSERT_THAT(cluster().client().ReadLogs(request,
                                          [&](absl::string_view piece) {
                                            absl::StrAppend(&rest, piece);
                                            return absl::OkStatus();
                                          }),
              IsOk());
  EXPECT_EQ(rest, "456789\n");
}

TEST_F(Tasks, SignalsReachThePayload) {
  absl::StatusOr<v1::Task> task =
      cluster().StartTask({Payload("exit_on_signal"), absl::StrCat(SIGUSR1), "9"});
  ASSERT_THAT(task, IsOk());
  AwaitOutput(task->id(), "ready");
  v1::SignalTaskRequest request;
  request.set_request_id(RandomId());
  request.set_task_id(task->id());
  request.set_signal("SIGUSR1");
  ASSERT_THAT(cluster().client().SignalTask(request), IsOk());
  absl::StatusOr<v1::Task> ended = cluster().client().WaitTask(task->id());
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->exit_result().exit_code(), 9);
}

TEST_F(Tasks, StopIsTheStopSignalThenTheKill) {
  absl::StatusOr<v1::Task> polite =
      cluster().StartTask({Payload("exit_on_signal"), absl::StrCat(SIGTERM), "4"});
  absl::StatusOr<v1::Task> rude = cluster().StartTask({Payload("ignore_term")});
  ASSERT_THAT(polite, IsOk());
  ASSERT_THAT(rude, IsOk());
  AwaitOutput(polite->id(), "ready");
  AwaitOutput(rude->id(), "ready");
  v1::StopTaskRequest stop;
  stop.set_request_id(RandomId());
  stop.set_task_id(polite->id());
  stop.mutable_grace()->set_seconds(600);
  ASSERT_THAT(cluster().client().StopTask(stop), IsOk());
  stop.set_task_id(rude->id());
  stop.mutable_grace()->set_seconds(0);
  stop.mutable_grace()->set_nanos(1000000);
  ASSERT_THAT(cluster().client().StopTask(stop), IsOk());
  EXPECT_EQ(cluster().client().WaitTask(polite->id())->exit_result().exit_code(), 4);
  EXPECT_EQ(cluster().client().WaitTask(rude->id())->exit_result().signal(), SIGKILL);
  // Of a task that has ended: no error.
  EXPECT_THAT(cluster().client().StopTask(stop), IsOk());
}

TEST_F(Tasks, SleepIsStoppedAtOnceThoughItIsNoInit) {
  // As PID 1 of its namespace it would ignore SIGTERM; our init is that.
  absl::StatusOr<v1::Task> task = cluster().StartTask({"/bin/sleep", "1000"});
  ASSERT_THAT(task, IsOk());
  v1::StopTaskRequest stop;
  stop.set_request_id(RandomId());
  stop.set_task_id(task->id());
  stop.mutable_grace()->set_seconds(600);
  ASSERT_THAT(cluster().client().StopTask(stop), IsOk());
  EXPECT_EQ(cluster().client().WaitTask(task->id())->exit_result().signal(), SIGTERM);
}

TEST_F(Tasks, SameRequestIsOneTask) {
  const v1::StartTaskRequest request = Request({Payload("sleep_forever")});
  absl::StatusOr<v1::Task> first = cluster().client().StartTask(request);
  absl::StatusOr<v1::Task> second = cluster().client().StartTask(request);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->id(), second->id());
  EXPECT_EQ(first->node_id(), second->node_id());
  v1::StartTaskRequest other = request;
  other.mutable_config()->mutable_config()->add_args("more");
  EXPECT_THAT(cluster().client().StartTask(other), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(cluster().client().ListTasks({})->size(), 1u);
}

TEST_F(Tasks, ExecutorRefusesWhatIsForAnotherNode) {
  v1::StartTaskRequest request = Request({Payload("exit_code"), "0"});
  request.set_node_id(cluster().node_id(2));
  grpc::ClientContext context;
  v1::StartTaskResponse response;
  EXPECT_EQ(cluster().executor_tasks(1).StartTask(&context, request, &response).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(Tasks, TasksAreSpreadOverTheNodes) {
  std::map<std::string, int> nodes;
  for (int i = 0; i < 32; ++i) ++nodes[cluster().Run({Payload("exit_code"), "0"})->task.node_id()];
  EXPECT_EQ(nodes.size(), 2u);
}

TEST_F(Tasks, EventsComeInOrderAndOnceEach) {
  grpc::ClientContext context;
  auto stream = cluster().tasks().WatchTasks(&context, v1::WatchTasksRequest());
  v1::WatchTasksResponse event;
  ASSERT_TRUE(stream->Read(&event));
  ASSERT_EQ(event.type(), v1::WatchTasksResponse::TYPE_SYNCED);
  // Ends before StartTask answers, as likely as not.
  absl::StatusOr<TaskOutcome> outcome = cluster().Run({Payload("exit_code"), "0"});
  ASSERT_THAT(outcome, IsOk());
  ASSERT_THAT(cluster().Destroy(outcome->task.id()), IsOk());
  std::vector<int> types;
  while (stream->Read(&event)) {
    EXPECT_EQ(event.task().id(), outcome->task.id());
    types.push_back(event.type());
    if (event.type() == v1::WatchTasksResponse::TYPE_DESTROYED) break;
  }
  context.TryCancel();
  EXPECT_THAT(
      types,
      ElementsAre(v1::WatchTasksResponse::TYPE_CREATED, v1::WatchTasksResponse::TYPE_STARTED,
                  v1::WatchTasksResponse::TYPE_ENDED, v1::WatchTasksResponse::TYPE_DESTROYED));
}

TEST_F(Tasks, EnvironmentValuesAreNeverReadBack) {
  v1::StartTaskRequest request = Request({Payload("exit_code"), "0"});
  (*request.mutable_config()->mutable_env())["TOKEN"] = "s3cr3t-token";
  absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->task.DebugString().find("s3cr3t-token"), std::string::npos);
  v1::ExplainTaskRequest explain;
  *explain.mutable_config() = request.config();
  absl::StatusOr<v1::ExplainTaskResponse> explained = cluster().client().ExplainTask(explain);
  ASSERT_THAT(explained, IsOk());
  EXPECT_EQ(explained->DebugString().find("s3cr3t-token"), std::string::npos);
  EXPECT_THAT(explained->plan(), HasSubstr("TOKEN"));
}

TEST_F(Tasks, DestroyForgetsEndedTasksAndRefusesLiveOnes) {
  absl::StatusOr<v1::Task> task = cluster().StartTask({Payload("sleep_forever")});
  ASSERT_THAT(task, IsOk());
  v1::DestroyTaskRequest request;
  request.set_request_id(RandomId());
  request.set_task_id(task->id());
  EXPECT_THAT(cluster().client().DestroyTask(request),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  request.set_force(true);
  EXPECT_THAT(cluster().client().DestroyTask(request), IsOk());
  EXPECT_THAT(cluster().client().DestroyTask(request), StatusIs(absl::StatusCode::kNotFound));
  request.set_allow_missing(true);
  EXPECT_THAT(cluster().client().DestroyTask(request), IsOk());
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 2), IsOkAndHolds(IsEmpty()));
}

TEST_F(Tasks, ManyShortOnesLeaveNothing) {
  for (int i = 0; i < 200; ++i) {
    absl::StatusOr<TaskOutcome> outcome = cluster().Run({Payload("exit_code"), "0"});
    ASSERT_THAT(outcome, IsOk());
    ASSERT_THAT(cluster().Destroy(outcome->task.id()), IsOk());
  }
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 2), IsOkAndHolds(IsEmpty()));
}

class TasksWithoutCgroups : public Tasks {
 protected:
  LocalClusterOptions Options() override {
    LocalClusterOptions options;
    options.cgroups = "none";
    return options;
  }
};

TEST_F(TasksWithoutCgroups, AreFencedAndSaidToBeUnlimited) {
  absl::StatusOr<TaskOutcome> outcome = cluster().Run({Payload("exit_code"), "3"});
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->task.exit_result().exit_code(), 3);
  EXPECT_EQ(outcome->task.fence().cgroups(), "none");
  EXPECT_EQ(outcome->task.fence().memory_limit_bytes(), 0u);
  EXPECT_EQ(cluster().client().ListNodes()->at(0).cgroups(), "none");
}

}  // namespace
}  // namespace cloister
