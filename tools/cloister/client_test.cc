#include "tools/cloister/client.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/status_conversion.h"

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Answers as the test says, and remembers what it was asked.
class FakeTaskService : public v1::TaskService::Service {
 public:
  grpc::Status GetTask(grpc::ServerContext*, const v1::GetTaskRequest* request,
                       v1::GetTaskResponse* response) override {
    response->mutable_task()->set_id(request->task_id());
    return grpc::Status::OK;
  }

  grpc::Status WaitTask(grpc::ServerContext*, const v1::WaitTaskRequest* request,
                        v1::WaitTaskResponse* response) override {
    response->mutable_task()->set_id(request->task_id());
    return NextStatus();
  }

  grpc::Status StartTask(grpc::ServerContext*, const v1::StartTaskRequest* request,
                         v1::StartTaskResponse*) override {
    absl::MutexLock lock(&mutex_);
    request_ids_.push_back(request->request_id());
    return PopStatus();
  }

  // Two bytes of `output_` an answer; breaks off after the second answer of the first call.
  grpc::Status ReadLogs(grpc::ServerContext*, const v1::ReadLogsRequest* request,
                        grpc::ServerWriter<v1::ReadLogsResponse>* writer) override {
    offsets_.push_back(request->offset());
    int answers = 0;
    for (size_t offset = request->offset(); offset < output_.size(); offset += 2) {
      if (offsets_.size() == 1 && answers == 2) return Broken();
      v1::ReadLogsResponse response;
      response.set_offset(offset);
      response.set_data(output_.substr(offset, 2));
      writer->Write(response);
      ++answers;
    }
    return grpc::Status::OK;
  }

  grpc::Status ListTasks(grpc::ServerContext*, const v1::ListTasksRequest* request,
                         v1::ListTasksResponse* response) override {
    // One task a page.
    const size_t index = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    if (index < tasks_.size()) *response->add_tasks() = tasks_[index];
    if (index + 1 < tasks_.size()) response->set_next_page_token(std::to_string(index + 1));
    return grpc::Status::OK;
  }

  static grpc::Status Broken() {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection reset");
  }

  void AddTask(const std::string& id, const std::string& name) {
    v1::Task task;
    task.set_id(id);
    task.mutable_config()->set_name(name);
    tasks_.push_back(task);
  }

  std::deque<grpc::Status> statuses_;
  std::vector<std::string> request_ids_;
  std::vector<uint64_t> offsets_;
  std::string output_ = "abcdefghij";
  std::vector<v1::Task> tasks_;

 private:
  grpc::Status NextStatus() {
    absl::MutexLock lock(&mutex_);
    return PopStatus();
  }

  grpc::Status PopStatus() {
    if (statuses_.empty()) return grpc::Status::OK;
    grpc::Status status = statuses_.front();
    statuses_.pop_front();
    return status;
  }

  absl::Mutex mutex_;
};

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    client_ = std::make_unique<Client>(server_->InProcessChannel({}), "unix:/fake");
    client_->OnLost(
        [this](const absl::Status& status) { lost_.push_back(std::string(status.message())); });
  }

  FakeTaskService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Client> client_;
  std::vector<std::string> lost_;
};

TEST_F(ClientTest, AConnectionThatNeverWorkedIsAnErrorAtOnce) {
  service_.statuses_ = {FakeTaskService::Broken()};
  EXPECT_THAT(client_->WaitTask("t"),
              StatusIs(absl::StatusCode::kUnavailable,
                       "cannot reach a cluster at unix:/fake: connection reset"));
  EXPECT_TRUE(lost_.empty());
}

TEST_F(ClientTest, AWaitOutlivesALostConnection) {
  ASSERT_THAT(client_->GetTask("t"), IsOk());
  service_.statuses_ = {FakeTaskService::Broken(), FakeTaskService::Broken()};
  absl::StatusOr<v1::Task> task = client_->WaitTask("t");
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->id(), "t");
  // Told once, however often it is tried.
  EXPECT_THAT(lost_, ElementsAre(HasSubstr("connection reset")));
}

TEST_F(ClientTest, AStartIsSentAgainAsTheSameRequest) {
  ASSERT_THAT(client_->GetTask("t"), IsOk());
  service_.statuses_ = {FakeTaskService::Broken()};
  v1::StartTaskRequest request;
  request.set_request_id("r");
  ASSERT_THAT(client_->StartTask(request), IsOk());
  EXPECT_THAT(service_.request_ids_, ElementsAre("r", "r"));
}

TEST_F(ClientTest, WhatTheNodeHasTriedLongEnoughIsNotTriedForEver) {
  ASSERT_THAT(client_->GetTask("t"), IsOk());
  service_.statuses_ = {rpc::ToGrpcStatus(
      WithReason(absl::UnavailableError("artifacts[0]: 503"), "ARTIFACT_FAILED"))};
  v1::StartTaskRequest request;
  request.set_request_id("r");
  EXPECT_THAT(client_->StartTask(request), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(service_.request_ids_, ElementsAre("r"));
}

TEST_F(ClientTest, AnErrorOfTheServerIsHandedOnWithItsReason) {
  service_.statuses_ = {
      rpc::ToGrpcStatus(WithReason(absl::NotFoundError("no task t"), "TASK_UNKNOWN"))};
  absl::Status status = client_->WaitTask("t").status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "no task t"));
  EXPECT_EQ(GetReason(status), "TASK_UNKNOWN");
}

TEST_F(ClientTest, OutputGoesOnWhereALostConnectionBrokeOff) {
  v1::ReadLogsRequest request;
  request.set_offset(1);
  std::string read;
  ASSERT_THAT(client_->ReadLogs(request,
                                [&](absl::string_view bytes) {
                                  read.append(bytes.data(), bytes.size());
                                  return absl::OkStatus();
                                }),
              IsOk());
  EXPECT_EQ(read, "bcdefghij");
  EXPECT_THAT(service_.offsets_, ElementsAre(1, 5));
}

TEST_F(ClientTest, AnErrorOfTheSinkEndsTheReading) {
  EXPECT_THAT(client_->ReadLogs(
                  {}, [](absl::string_view) { return absl::ResourceExhaustedError("disk full"); }),
              StatusIs(absl::StatusCode::kResourceExhausted, "disk full"));
}

TEST_F(ClientTest, ListsAllPages) {
  for (const char* id : {"a", "b", "c"}) service_.AddTask(id, "");
  absl::StatusOr<std::vector<v1::Task>> tasks = client_->ListTasks({});
  ASSERT_THAT(tasks, IsOk());
  EXPECT_EQ(tasks->size(), 3u);
}

TEST_F(ClientTest, ATaskIsKnownByTheBeginningOfItsIdOrItsName) {
  service_.AddTask("abcdefghijklmnopqrstuvwxyz", "web");
  service_.AddTask("abxdefghijklmnopqrstuvwxyz", "db");
  service_.AddTask("zzzdefghijklmnopqrstuvwxyz", "db");
  EXPECT_THAT(client_->ResolveTask("abc"), IsOkAndHolds("abcdefghijklmnopqrstuvwxyz"));
  EXPECT_THAT(client_->ResolveTask("web"), IsOkAndHolds("abcdefghijklmnopqrstuvwxyz"));
  EXPECT_THAT(client_->ResolveTask("db"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("means 2 tasks")));
  EXPECT_THAT(client_->ResolveTask("ab"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("means 2 tasks")));
  EXPECT_THAT(client_->ResolveTask("nope"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(client_->ResolveTask(""), StatusIs(absl::StatusCode::kInvalidArgument));
  // A whole id is for the server to know.
  EXPECT_THAT(client_->ResolveTask("nnnnnnnnnnnnnnnnnnnnnnnnnn"), IsOk());
}

}  // namespace
}  // namespace cloister
