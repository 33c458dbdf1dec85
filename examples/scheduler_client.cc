// A small scheduler, on the public API alone (proto/cloister/v1): keeps a number of tasks going, a
// few at a time, and shows what a scheduler has to do for that and what it need not.
//
//   scheduler_client ADDRESS [TASKS]      e.g. scheduler_client
//   unix:/tmp/cloister/run/frontend.sock 20
//
// - One WatchTasks stream tells of every change, however many tasks there are.
// - StartTask is sent with a request id of our own: an answer that is lost is asked for again, and
// the task started once.
// - An ended task stays, with its output, until it is destroyed.
#include <grpcpp/create_channel.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "cloister/v1/node_service.grpc.pb.h"
#include "cloister/v1/task_service.grpc.pb.h"

namespace {

using cloister::v1::NodeService;
using cloister::v1::Task;
using cloister::v1::TaskService;
using cloister::v1::WatchTasksResponse;

constexpr size_t kAtOnce = 4;
constexpr int kTries = 5;

// Every call has a deadline. One that passes cancels nothing at the other end.
void SetDeadline(grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
}

class Scheduler {
 public:
  Scheduler(const std::shared_ptr<grpc::Channel>& channel, int tasks)
      : tasks_(TaskService::NewStub(channel)),
        nodes_(NodeService::NewStub(channel)),
        run_(std::to_string(std::random_device()())),
        wanted_(tasks) {}

  bool ShowNodes() {
    grpc::ClientContext context;
    SetDeadline(&context);
    cloister::v1::ListNodesResponse response;
    if (!Check("ListNodes", nodes_->ListNodes(&context, {}, &response))) return false;
    for (const auto& node : response.nodes()) {
      std::cout << node.id() << ": " << node.capacity().cpus() << " cpus, "
                << node.capacity().memory_mib() << " MiB, limits by cgroup " << node.cgroups()
                << "\n";
    }
    return response.nodes_size() > 0;
  }

  // Until every task has run; false if a call failed.
  bool Run() {
    // The watch comes first: what is started after its SYNCED cannot end unseen.
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<WatchTasksResponse>> watch =
        tasks_->WatchTasks(&context, {});
    WatchTasksResponse event;
    while (watch->Read(&event)) {
      if (event.type() == WatchTasksResponse::TYPE_ENDED && running_.erase(event.task().id()) > 0) {
        if (!Finish(event.task())) return false;
      } else if (event.type() != WatchTasksResponse::TYPE_SYNCED) {
        continue;
      }
      while (running_.size() < kAtOnce && started_ < wanted_) {
        if (!StartNext()) return false;
      }
      if (finished_ == wanted_) return true;
    }
    return Check("WatchTasks", watch->Finish());
  }

 private:
  static bool Check(const char* call, const grpc::Status& status) {
    if (!status.ok()) std::cerr << call << ": " << status.error_message() << "\n";
    return status.ok();
  }

  bool StartNext() {
    cloister::v1::StartTaskRequest request;
    request.set_request_id("scheduler-client-" + run_ + "-" + std::to_string(started_));
    auto* config = request.mutable_config();
    config->set_name("example-" + std::to_string(started_));
    config->mutable_config()->set_command("/bin/sh");
    config->mutable_config()->add_args("-c");
    config->mutable_config()->add_args("echo task $NUMBER as $(id -un) && exit $((NUMBER % 3))");
    (*config->mutable_env())["NUMBER"] = std::to_string(started_);
    config->mutable_resources()->set_memory(32);
    cloister::v1::StartTaskResponse response;
    grpc::Status status;
    for (int i = 0; i < kTries; ++i) {
      grpc::ClientContext context;
      SetDeadline(&context);
      context.set_wait_for_ready(true);
      status = tasks_->StartTask(&context, request, &response);
      // Anything may have happened at the other end; the same request again is harmless.
      if (status.error_code() != grpc::StatusCode::UNAVAILABLE &&
          status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) {
        break;
      }
    }
    if (!Check("StartTask", status)) return false;
    ++started_;
    running_.insert(response.task().id());
    return true;
  }

  bool Finish(const Task& task) {
    std::string output;
    if (!ReadOutput(task.id(), &output)) return false;
    std::cout << task.config().name() << " on " << task.node_id() << ": exit code "
              << task.exit_result().exit_code() << ", " << output;
    grpc::ClientContext context;
    SetDeadline(&context);
    cloister::v1::DestroyTaskRequest request;
    request.set_request_id("destroy-" + task.id());
    request.set_task_id(task.id());
    cloister::v1::DestroyTaskResponse response;
    if (!Check("DestroyTask", tasks_->DestroyTask(&context, request, &response))) return false;
    ++finished_;
    return true;
  }

  bool ReadOutput(const std::string& id, std::string* output) {
    grpc::ClientContext context;
    SetDeadline(&context);
    cloister::v1::ReadLogsRequest request;
    request.set_task_id(id);
    request.set_stream(cloister::v1::LOG_STREAM_STDOUT);
    auto reader = tasks_->ReadLogs(&context, request);
    cloister::v1::ReadLogsResponse chunk;
    while (reader->Read(&chunk)) output->append(chunk.data());
    return Check("ReadLogs", reader->Finish());
  }

  const std::unique_ptr<TaskService::Stub> tasks_;
  const std::unique_ptr<NodeService::Stub> nodes_;
  // Part of request ids: another run of this program means other tasks.
  const std::string run_;
  const int wanted_;
  int started_ = 0;
  int finished_ = 0;
  std::set<std::string> running_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: scheduler_client ADDRESS [TASKS]\n";
    return 2;
  }
  const int tasks = argc > 2 ? std::atoi(argv[2]) : 10;
  Scheduler scheduler(grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()), tasks);
  return scheduler.ShowNodes() && scheduler.Run() ? 0 : 1;
}
