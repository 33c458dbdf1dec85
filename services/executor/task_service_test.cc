// The executor's services over a real server and a unix socket, with launchers that are processes
// and run nothing.
#include "services/executor/task_service.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "cloister/internal/record.pb.h"
#include "cloister/v1/node_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/testing/fake_planner.h"
#include "libs/engine/testing/temporary_directory.h"
#include "libs/os/pidfd.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/method_table.h"
#include "libs/rpc/server.h"
#include "libs/rpc/status_conversion.h"
#include "libs/state/record_file.h"
#include "libs/task/task_id.h"
#include "services/executor/node_service.h"

namespace cloister::executor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Watched = v1::WatchTasksResponse;

size_t ThreadCount() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    ++count;
  }
  return count;
}

class TaskServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    mkdir((directory_ / "launchers").c_str(), 0700);
    mkdir((directory_ / "tasks").c_str(), 0700);
    StartEngine();
    auto authorizer = rpc::Authorizer::Create(rpc::ExecutorMethodTable(), {geteuid()}, false);
    ASSERT_THAT(authorizer, IsOk());
    authorizer_ = std::make_unique<rpc::Authorizer>(*std::move(authorizer));
    service_ =
        std::make_unique<TaskService>("n1", engine_.get(), authorizer_.get(), &drain_, &clock_);
    v1::Node node;
    node.set_id("n1");
    node_service_ = std::make_unique<NodeService>(node, engine_.get());
    rpc::ServerOptions options;
    auto address = rpc::ParseAddress(absl::StrCat("unix:", directory_ / "e.sock"));
    ASSERT_THAT(address, IsOk());
    options.listen = {*address};
    options.services = {rpc::Serve<v1::TaskService>(service_.get()),
                        rpc::Serve<v1::NodeService>(node_service_.get())};
    auto server = rpc::Server::Start(std::move(options), authorizer_.get(), &drain_);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    rpc::ChannelOptions channel_options;
    auto channel = rpc::OpenChannel(*address, channel_options);
    ASSERT_THAT(channel, IsOk());
    channel_ = *std::move(channel);
    stub_ = v1::TaskService::NewStub(channel_);
  }

  void TearDown() override {
    server_.reset();
    engine_.reset();
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "launchers")) {
      OwnedFd folder(open(entry.path().c_str(), O_PATH | O_CLOEXEC));
      auto bytes = state::ReadRecord(folder.get(), "record");
      internal::LauncherRecord record;
      if (!bytes.ok() || !record.ParseFromString(*bytes)) continue;
      auto process = PidFd::OpenRecorded(record.pid(), record.start_time_ticks());
      if (!process.ok()) continue;
      process->Signal(SIGKILL).IgnoreError();
      process->AwaitEnd(-1);
    }
  }

  void StartEngine() {
    engine::EngineOptions options;
    options.node_id = "n1";
    options.capacity = {5000, 100000};
    options.watch_limit = 64;
    engine::LauncherProgram& program = options.launchers.program;
    program.path =
        absl::StrCat(getenv("TEST_SRCDIR"), "/cloister/libs/engine/testing/fake_launcher_main");
    program.version = "1";
    program.boot_id = "this boot";
    program.run_directory = directory_.path();
    program.slot_prefix = "n1";
    const auto folder = [this](const std::string& name) {
      return OwnedFd(open((directory_ / name).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    };
    auto engine = engine::Engine::Create(std::move(options), folder("launchers"), folder("tasks"),
                                         &planner_, &clock_);
    ASSERT_THAT(engine, IsOk());
    engine_ = *std::move(engine);
    ASSERT_THAT(engine_->Recover(), IsOk());
  }

  // One unary call, with a deadline as every call has one.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (v1::TaskService::Stub::*method)(grpc::ClientContext*,
                                                                              const Request&,
                                                                              Response*),
                                const Request& request) {
    grpc::ClientContext context;
    rpc::SetDeadline(&context, absl::Minutes(5));
    Response response;
    const grpc::Status status = ((*stub_).*method)(&context, request, &response);
    if (!status.ok()) return rpc::FromGrpcStatus(status);
    return response;
  }

  v1::StartTaskRequest StartRequest(const std::string& request_id, const std::string& command) {
    v1::StartTaskRequest request;
    request.set_request_id(request_id);
    request.mutable_config()->mutable_config()->set_command(command);
    request.mutable_config()->mutable_config()->add_args("hello");
    return request;
  }

  absl::StatusOr<v1::Task> Start(const v1::StartTaskRequest& request) {
    auto response = Call(&v1::TaskService::Stub::StartTask, request);
    if (!response.ok()) return response.status();
    return response->task();
  }
  absl::StatusOr<v1::Task> Start(const std::string& request_id, const std::string& command) {
    return Start(StartRequest(request_id, command));
  }

  absl::StatusOr<v1::Task> Wait(const std::string& task_id) {
    v1::WaitTaskRequest request;
    request.set_task_id(task_id);
    auto response = Call(&v1::TaskService::Stub::WaitTask, request);
    if (!response.ok()) return response.status();
    return response->task();
  }

  absl::StatusOr<v1::Task> Stop(const std::string& task_id) {
    v1::StopTaskRequest request;
    request.set_request_id("stop");
    request.set_task_id(task_id);
    auto response = Call(&v1::TaskService::Stub::StopTask, request);
    if (!response.ok()) return response.status();
    return response->task();
  }

  engine::TemporaryDirectory directory_;
  engine::FakePlanner planner_;
  RealClock clock_;
  rpc::DrainSignal drain_;
  std::unique_ptr<rpc::Authorizer> authorizer_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<TaskService> service_;
  std::unique_ptr<NodeService> node_service_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::TaskService::Stub> stub_;
};

TEST_F(TaskServiceTest, ATaskRunsAndItsExitIsReported) {
  auto task = Start("r", "/exit/7");
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->node_id(), "n1");
  auto ended = Wait(task->id());
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->exit_result().exit_code(), 7);
}

TEST_F(TaskServiceTest, AStartThatWaitsForTheEndAnswersWithIt) {
  v1::StartTaskRequest request = StartRequest("r", "/exit/7");
  request.set_wait(v1::StartTaskRequest::WAIT_ENDED);
  auto ended = Start(request);
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->state(), v1::TASK_STATE_EXITED);
  EXPECT_EQ(ended->exit_result().exit_code(), 7);
  // Sent again, whenever: the same end.
  auto again = Start(request);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->revision(), ended->revision());
}

TEST_F(TaskServiceTest, AStartThatWaitsForTheEndAndGoesLeavesTheTask) {
  v1::StartTaskRequest request = StartRequest("r", "/run");
  request.set_wait(v1::StartTaskRequest::WAIT_ENDED);
  grpc::ClientContext context;
  rpc::SetDeadline(&context, absl::Milliseconds(50));
  v1::StartTaskResponse response;
  EXPECT_EQ(stub_->StartTask(&context, request, &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  request.set_wait(v1::StartTaskRequest::WAIT_EXECED);
  auto task = Start(request);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->state(), v1::TASK_STATE_RUNNING);
  EXPECT_THAT(Stop(task->id()), IsOk());
  EXPECT_THAT(Wait(task->id()), IsOk());
}

TEST_F(TaskServiceTest, ADrainEndsAStartThatWaitsForTheEnd) {
  v1::StartTaskRequest request = StartRequest("r", "/run");
  ASSERT_THAT(Start(request), IsOk());
  request.set_wait(v1::StartTaskRequest::WAIT_ENDED);
  grpc::ClientContext context;
  v1::StartTaskResponse response;
  grpc::Status status;
  absl::Notification answered;
  stub_->async()->StartTask(&context, &request, &response, [&](const grpc::Status& answer) {
    status = answer;
    answered.Notify();
  });
  // Answered after the start has arrived, as the connection carries calls in order.
  v1::GetTaskRequest get;
  get.set_task_id(task::DeriveTaskId(absl::StrCat("uid:", geteuid()), "r"));
  ASSERT_THAT(Call(&v1::TaskService::Stub::GetTask, get), IsOk());
  server_->Drain(absl::Seconds(60));
  answered.WaitForNotification();
  EXPECT_EQ(rpc::FromGrpcStatus(status).code(), absl::StatusCode::kUnavailable);
}

TEST_F(TaskServiceTest, TheTaskIdComesFromPrincipalAndRequestId) {
  const std::string id = task::DeriveTaskId(absl::StrCat("uid:", geteuid()), "r");
  v1::StartTaskRequest request = StartRequest("r", "/run");
  request.set_task_id(id);
  auto task = Start(request);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->id(), id);
  request.set_task_id("another");
  EXPECT_EQ(GetFieldViolations(Start(request).status()).at(0).field, "task_id");
}

TEST_F(TaskServiceTest, AStartIsIdempotent) {
  auto first = Start("r", "/run");
  auto second = Start("r", "/run");
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->id(), second->id());
  EXPECT_EQ(first->revision(), second->revision());
  EXPECT_EQ(engine_->Held().tasks, 1);
  auto other = Start("r", "/exit/1");
  EXPECT_THAT(other, StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(GetReason(other.status()), "REQUEST_ID_REUSED");
}

TEST_F(TaskServiceTest, AForeignNodeIsRefused) {
  v1::StartTaskRequest request = StartRequest("r", "/run");
  request.set_node_id("n2");
  auto task = Start(request);
  EXPECT_THAT(task, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'n2'")));
  EXPECT_EQ(GetReason(task.status()), "WRONG_NODE");
  v1::ListTasksRequest list;
  list.set_node_id("n2");
  EXPECT_EQ(GetReason(Call(&v1::TaskService::Stub::ListTasks, list).status()), "WRONG_NODE");
  v1::ExplainTaskRequest explain;
  explain.set_node_id("n2");
  EXPECT_EQ(GetReason(Call(&v1::TaskService::Stub::ExplainTask, explain).status()), "WRONG_NODE");
  request.set_node_id("n1");
  EXPECT_THAT(Start(request), IsOk());
}

TEST_F(TaskServiceTest, EveryViolationIsToldAtOnce) {
  v1::StartTaskRequest request = StartRequest("", "");
  request.mutable_config()->mutable_config()->set_work_dir("relative");
  std::vector<std::string> fields;
  auto task = Start(request);
  for (const auto& violation : GetFieldViolations(task.status())) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(task, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(fields, ElementsAre("request_id", "config.command", "config.work_dir"));
}

TEST_F(TaskServiceTest, AFailedStartSaysWhereAndWhyAndLeavesNothing) {
  auto task = Start("r", "/fail");
  EXPECT_THAT(task, StatusIs(absl::StatusCode::kFailedPrecondition, "EXEC '/fail': errno 2"));
  EXPECT_EQ(GetReason(task.status()), "START_FAILED");
  auto list = Call(&v1::TaskService::Stub::ListTasks, v1::ListTasksRequest());
  ASSERT_THAT(list, IsOk());
  EXPECT_THAT(list->tasks(), IsEmpty());
}

TEST_F(TaskServiceTest, AnUnknownTaskIsNotFoundByEveryCall) {
  v1::GetTaskRequest get;
  get.set_task_id("x");
  EXPECT_EQ(GetReason(Call(&v1::TaskService::Stub::GetTask, get).status()), "TASK_UNKNOWN");
  EXPECT_THAT(Wait("x"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Stop("x"), StatusIs(absl::StatusCode::kNotFound));
  v1::DestroyTaskRequest destroy;
  destroy.set_request_id("d");
  destroy.set_task_id("x");
  EXPECT_THAT(Call(&v1::TaskService::Stub::DestroyTask, destroy),
              StatusIs(absl::StatusCode::kNotFound));
  destroy.set_allow_missing(true);
  EXPECT_THAT(Call(&v1::TaskService::Stub::DestroyTask, destroy), IsOk());
}

TEST_F(TaskServiceTest, AListIsReadPageByPage) {
  for (int i = 0; i < 5; ++i) ASSERT_THAT(Start(absl::StrCat("r", i), "/run"), IsOk());
  v1::ListTasksRequest request;
  request.set_page_size(2);
  std::vector<std::string> ids;
  std::vector<int> sizes;
  do {
    auto page = Call(&v1::TaskService::Stub::ListTasks, request);
    ASSERT_THAT(page, IsOk());
    sizes.push_back(page->tasks_size());
    for (const v1::Task& task : page->tasks()) ids.push_back(task.id());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(sizes, ElementsAre(2, 2, 1));
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  // A token is of its query.
  request.set_page_size(2);
  auto first = Call(&v1::TaskService::Stub::ListTasks, request);
  request.set_page_token(first->next_page_token());
  request.add_states(v1::TASK_STATE_EXITED);
  EXPECT_THAT(Call(&v1::TaskService::Stub::ListTasks, request),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(TaskServiceTest, AListIsFilteredByState) {
  auto running = Start("a", "/run");
  auto ended = Start("b", "/bin/true");
  ASSERT_THAT(Wait(ended->id()), IsOk());
  v1::ListTasksRequest request;
  request.add_states(v1::TASK_STATE_RUNNING);
  auto list = Call(&v1::TaskService::Stub::ListTasks, request);
  ASSERT_EQ(list->tasks_size(), 1);
  EXPECT_EQ(list->tasks(0).id(), running->id());
}

TEST_F(TaskServiceTest, ASignalThatIsSentTwiceIsDeliveredOnce) {
  auto task = Start("r", "/ignore");
  v1::SignalTaskRequest request;
  request.set_request_id("s");
  request.set_task_id(task->id());
  request.set_signal("HUP");
  EXPECT_THAT(Call(&v1::TaskService::Stub::SignalTask, request), IsOk());
  EXPECT_THAT(Call(&v1::TaskService::Stub::SignalTask, request), IsOk());
  request.set_signal("KILL");
  EXPECT_EQ(GetReason(Call(&v1::TaskService::Stub::SignalTask, request).status()),
            "REQUEST_ID_REUSED");
  request.set_request_id("t");
  EXPECT_THAT(Call(&v1::TaskService::Stub::SignalTask, request), IsOk());
  EXPECT_EQ(Wait(task->id())->exit_result().signal(), SIGKILL);
  request.set_request_id("u");
  EXPECT_EQ(GetReason(Call(&v1::TaskService::Stub::SignalTask, request).status()),
            "TASK_NOT_RUNNING");
}

TEST_F(TaskServiceTest, WhatIsWrongWithAStopIsToldByField) {
  v1::StopTaskRequest request;
  request.set_signal("NOPE");
  request.mutable_grace()->set_seconds(-1);
  std::vector<std::string> fields;
  const absl::Status status = Call(&v1::TaskService::Stub::StopTask, request).status();
  for (const auto& violation : GetFieldViolations(status)) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAre("request_id", "task_id", "signal", "grace"));
}

TEST_F(TaskServiceTest, AWatchTellsAllOfATaskInOrder) {
  auto old = Start("old", "/run");
  grpc::ClientContext context;
  auto stream = stub_->WatchTasks(&context, v1::WatchTasksRequest());
  Watched event;
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.type(), Watched::TYPE_SNAPSHOT);
  EXPECT_EQ(event.task().id(), old->id());
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.type(), Watched::TYPE_SYNCED);
  auto task = Start("r", "/run");
  ASSERT_THAT(Stop(task->id()), IsOk());
  ASSERT_THAT(Wait(task->id()), IsOk());
  v1::DestroyTaskRequest destroy;
  destroy.set_request_id("d");
  destroy.set_task_id(task->id());
  ASSERT_THAT(Call(&v1::TaskService::Stub::DestroyTask, destroy), IsOk());
  for (Watched::Type type : {Watched::TYPE_CREATED, Watched::TYPE_STARTED, Watched::TYPE_STOPPING,
                             Watched::TYPE_ENDED, Watched::TYPE_DESTROYED}) {
    ASSERT_TRUE(stream->Read(&event));
    EXPECT_EQ(event.type(), type);
    EXPECT_EQ(event.task().id(), task->id());
  }
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(TaskServiceTest, AnOutputIsFollowedToTheTasksEnd) {
  auto task = Start("r", "/run");
  grpc::ClientContext context;
  v1::ReadLogsRequest request;
  request.set_task_id(task->id());
  request.set_stream(v1::LOG_STREAM_STDOUT);
  request.set_offset(1);
  request.set_follow(true);
  auto stream = stub_->ReadLogs(&context, request);
  v1::ReadLogsResponse chunk;
  ASSERT_TRUE(stream->Read(&chunk));
  EXPECT_EQ(chunk.offset(), 1);
  EXPECT_EQ(chunk.data(), "ello");
  ASSERT_THAT(Stop(task->id()), IsOk());
  EXPECT_FALSE(stream->Read(&chunk));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(TaskServiceTest, TheOnlyNodeIsThisOne) {
  ASSERT_THAT(Start("r", "/run"), IsOk());
  auto nodes = v1::NodeService::NewStub(channel_);
  grpc::ClientContext list_context;
  v1::ListNodesResponse list;
  ASSERT_TRUE(nodes->ListNodes(&list_context, v1::ListNodesRequest(), &list).ok());
  ASSERT_EQ(list.nodes_size(), 1);
  EXPECT_EQ(list.nodes(0).id(), "n1");
  EXPECT_EQ(list.nodes(0).live_tasks(), 1);
  grpc::ClientContext get_context;
  v1::GetNodeRequest get;
  get.set_node_id("n2");
  v1::GetNodeResponse node;
  EXPECT_EQ(nodes->GetNode(&get_context, get, &node).error_code(), grpc::StatusCode::NOT_FOUND);
}

// Many calls of one channel that wait: their ends are counted.
class ManyWaits {
 public:
  explicit ManyWaits(int count) : contexts_(count), requests_(count), responses_(count) {}

  void Begin(v1::TaskService::Stub* stub, const std::string& task_id) {
    for (size_t i = 0; i < contexts_.size(); ++i) {
      requests_[i].set_task_id(task_id);
      rpc::SetDeadline(&contexts_[i], absl::Minutes(5));
      stub->async()->WaitTask(&contexts_[i], &requests_[i], &responses_[i],
                              [this](const grpc::Status& status) {
                                absl::MutexLock lock(&mutex_);
                                ++(status.ok() ? ended_ : failed_);
                              });
    }
  }
  int AwaitEnds() {
    absl::MutexLock lock(&mutex_);
    const auto all = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return ended_ + failed_ == static_cast<int>(contexts_.size());
    };
    mutex_.Await(absl::Condition(&all));
    return ended_;
  }
  void Cancel() {
    for (grpc::ClientContext& context : contexts_) context.TryCancel();
  }

 private:
  std::vector<grpc::ClientContext> contexts_;
  std::vector<v1::WaitTaskRequest> requests_;
  std::vector<v1::WaitTaskResponse> responses_;
  absl::Mutex mutex_;
  int ended_ ABSL_GUARDED_BY(mutex_) = 0;
  int failed_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST_F(TaskServiceTest, TwoThousandWaitersHoldNoThreads) {
  auto task = Start("r", "/run");
  // gRPC's own threads are all there after some traffic.
  ManyWaits few(64);
  few.Begin(stub_.get(), task->id());
  few.Cancel();
  few.AwaitEnds();
  const size_t before = ThreadCount();
  ManyWaits many(2000);
  many.Begin(stub_.get(), task->id());
  // Answered after all of the waits have arrived, as the connection carries calls in order.
  v1::GetTaskRequest get;
  get.set_task_id(task->id());
  ASSERT_THAT(Call(&v1::TaskService::Stub::GetTask, get), IsOk());
  EXPECT_LE(ThreadCount(), before + 4);
  ASSERT_THAT(Stop(task->id()), IsOk());
  EXPECT_EQ(many.AwaitEnds(), 2000);
}

TEST_F(TaskServiceTest, WaitsThatAreCancelledLeaveNothingBehind) {
  auto task = Start("r", "/run");
  ManyWaits waits(200);
  waits.Begin(stub_.get(), task->id());
  waits.Cancel();
  EXPECT_EQ(waits.AwaitEnds(), 0);
  EXPECT_THAT(Stop(task->id()), IsOk());
  EXPECT_THAT(Wait(task->id()), IsOk());
}

TEST_F(TaskServiceTest, ADrainEndsWaitsAndStreamsAndLeavesTasks) {
  auto task = Start("r", "/run");
  ManyWaits waits(10);
  waits.Begin(stub_.get(), task->id());
  grpc::ClientContext context;
  auto stream = stub_->WatchTasks(&context, v1::WatchTasksRequest());
  Watched event;
  ASSERT_TRUE(stream->Read(&event));
  server_->Drain(absl::Seconds(60));
  EXPECT_EQ(waits.AwaitEnds(), 0);
  while (stream->Read(&event)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(engine_->Held().tasks, 1);
}

TEST_F(TaskServiceTest, AStartThatIsCalledOffGoesOn) {
  v1::StartTaskRequest request = StartRequest("r", "/hold");
  grpc::ClientContext context;
  v1::StartTaskResponse response;
  absl::Notification done;
  stub_->async()->StartTask(&context, &request, &response,
                            [&done](const grpc::Status&) { done.Notify(); });
  const std::string id = task::DeriveTaskId(absl::StrCat("uid:", geteuid()), "r");
  grpc::ClientContext watch_context;
  auto stream = stub_->WatchTasks(&watch_context, v1::WatchTasksRequest());
  Watched event;
  while (event.task().id() != id) ASSERT_TRUE(stream->Read(&event));
  context.TryCancel();
  done.WaitForNotification();
  EXPECT_THAT(engine_->Get(id), IsOk());
  watch_context.TryCancel();
  while (stream->Read(&event)) {
  }
}

}  // namespace
}  // namespace cloister::executor
