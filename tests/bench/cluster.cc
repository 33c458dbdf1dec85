#include "tests/bench/cluster.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <iostream>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "cloister/v1/task_service.grpc.pb.h"
#include "libs/base/status_macros.h"
#include "libs/plan/explain_plan.h"
#include "libs/rpc/status_conversion.h"
#include "tests/bench/payload_plan.h"
#include "tests/bench/report.h"
#include "tests/bench/task_contender.h"
#include "tools/cloister/dev_binaries.h"
#include "tools/cloister/dev_stop.h"

namespace cloister::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address) {
  std::shared_ptr<grpc::Channel> channel =
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  // A failure shows in the first call, with its reason.
  channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(5));
  return channel;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Start(const DevLayout& layout, int interrupt_fd) {
  DevOptions options;
  options.layout = layout;
  CLOISTER_ASSIGN_OR_RETURN(const std::string self, PathOfSelf());
  CLOISTER_ASSIGN_OR_RETURN(options.binaries, FindDevBinaries("", self));
  options.interrupt_fd = interrupt_fd;
  auto cluster = absl::WrapUnique(new Cluster(DevCluster(std::move(options))));
  CLOISTER_RETURN_IF_ERROR(cluster->cluster_.Start(kPatience));
  cluster->ready_ = true;
  return cluster;
}

Cluster::~Cluster() {
  const absl::Status stopped = Stop();
  if (!stopped.ok()) std::cerr << stopped.message() << "\n";
}

std::unique_ptr<Contender> Cluster::ThroughExecutor() const {
  return std::make_unique<TaskContender>(kExecutor, OpenChannel(layout().Node(1).address()));
}

std::unique_ptr<Contender> Cluster::ThroughFrontend() const {
  return std::make_unique<TaskContender>(kFrontend, OpenChannel(layout().address()));
}

absl::Status Cluster::CheckPlan(const internal::LaunchPlan& plan) const {
  const auto stub = v1::TaskService::NewStub(OpenChannel(layout().Node(1).address()));
  grpc::ClientContext context;
  v1::ExplainTaskRequest request;
  *request.mutable_config() = PayloadConfig();
  v1::ExplainTaskResponse response;
  CLOISTER_RETURN_IF_ERROR(rpc::FromGrpcStatus(stub->ExplainTask(&context, request, &response)));
  const std::string ours = plan::RedactedPlanText(plan);
  if (response.plan() == ours) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the executor plans otherwise than the peers do; the executor:\n",
                   response.plan(), "\nthe peers:\n", ours));
}

absl::Status Cluster::CheckNoTasks() const {
  const auto stub = v1::TaskService::NewStub(OpenChannel(layout().Node(1).address()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  v1::ListTasksResponse response;
  CLOISTER_RETURN_IF_ERROR(
      rpc::FromGrpcStatus(stub->ListTasks(&context, v1::ListTasksRequest(), &response)));
  if (response.tasks().empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(response.tasks_size(), " or more tasks are left in the executor"));
}

absl::Status Cluster::Stop() {
  if (std::exchange(stopped_, true)) return absl::OkStatus();
  absl::Status status = ready_ ? CheckNoTasks() : absl::OkStatus();
  DevStopOptions options;
  options.grace = absl::ZeroDuration();
  status.Update(StopDevCluster(layout(), options).status());
  return status;
}

}  // namespace cloister::bench
