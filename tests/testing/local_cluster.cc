#include "tests/testing/local_cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "libs/base/errno_status.h"
#include "libs/base/random_id.h"
#include "libs/base/status_macros.h"
#include "libs/node/node_policy.h"
#include "libs/os/spawn.h"
#include "tests/testing/cluster_runfile.h"
#include "tests/testing/task_request.h"
#include "tools/cloister/dev_connection.h"
#include "tools/cloister/dev_processes.h"
#include "tools/cloister/dev_stop.h"
#include "tools/cloister/machine_check.h"

namespace cloister {
namespace {

// In the guest on a busy host, a minute was not enough.
constexpr absl::Duration kPatience = absl::Minutes(5);
constexpr char kPayloadsInside[] = "/payloads";

std::string Variable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<std::string> MakeTestDirectory() {
  const std::string base = Variable("TEST_TMPDIR");
  std::string path = absl::StrCat(base.empty() ? "/tmp" : base, "/cluster-XXXXXX");
  if (mkdtemp(&path[0]) == nullptr) return ErrnoStatus(errno, path);
  return path;
}

// What every task sees: the node's default entries, and the payloads.
absl::StatusOr<std::string> ChrootFlag() {
  std::vector<std::string> entries;
  for (const node::ChrootEntry& entry : node::DefaultNodePolicy().chroot_entries) {
    entries.push_back(absl::StrCat(entry.outside, ":", entry.inside));
  }
  CLOISTER_ASSIGN_OR_RETURN(const std::string payload, ClusterRunfile("CLOISTER_TEST_PAYLOAD"));
  entries.push_back(absl::StrCat(payload.substr(0, payload.rfind('/')), ":", kPayloadsInside));
  return absl::StrCat("--chroot_env=", absl::StrJoin(entries, ","));
}

absl::StatusOr<DevOptions> MakeOptions(const LocalClusterOptions& given) {
  DevOptions options;
  CLOISTER_ASSIGN_OR_RETURN(options.binaries.frontend, ClusterRunfile("CLOISTER_TEST_FRONTEND"));
  CLOISTER_ASSIGN_OR_RETURN(options.binaries.executor, ClusterRunfile("CLOISTER_TEST_EXECUTOR"));
  CLOISTER_ASSIGN_OR_RETURN(options.binaries.launcher, ClusterRunfile("CLOISTER_TEST_LAUNCHER"));
  CLOISTER_ASSIGN_OR_RETURN(options.binaries.fetcher, ClusterRunfile("CLOISTER_TEST_FETCHER"));
  CLOISTER_ASSIGN_OR_RETURN(const std::string directory, MakeTestDirectory());
  CLOISTER_ASSIGN_OR_RETURN(options.layout, ResolveDevLayout(directory));
  options.nodes = given.nodes;
  if (options.nodes == 0 && !absl::SimpleAtoi(Variable("CLOISTER_TEST_NODES"), &options.nodes))
    options.nodes = 1;
  options.cgroups = given.cgroups;
  options.frontend_flags = given.frontend_flags;
  CLOISTER_ASSIGN_OR_RETURN(const std::string chroot, ChrootFlag());
  options.executor_flags = {chroot};
  options.executor_flags.insert(options.executor_flags.end(), given.executor_flags.begin(),
                                given.executor_flags.end());
  for (const char* name :
       {"PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "GRPC_VERBOSITY", "GRPC_TRACE"}) {
    if (!Variable(name).empty())
      options.environment.push_back(absl::StrCat(name, "=", Variable(name)));
  }
  return options;
}

}  // namespace

absl::Status LocalCluster::CanRun() {
  if (geteuid() != 0) return absl::FailedPreconditionError("not root");
  CLOISTER_ASSIGN_OR_RETURN(const MachineFacts facts, ReadMachineFacts());
  return CheckMachine(facts, "auto");
}

absl::StatusOr<std::unique_ptr<LocalCluster>> LocalCluster::Start(LocalClusterOptions options) {
  CLOISTER_ASSIGN_OR_RETURN(DevOptions made, MakeOptions(options));
  const int nodes = made.nodes;
  std::unique_ptr<LocalCluster> cluster(new LocalCluster(std::move(made)));
  CLOISTER_RETURN_IF_ERROR(cluster->StartGuard());
  CLOISTER_RETURN_IF_ERROR(cluster->cluster_.Start(kPatience));
  cluster->Connect(nodes);
  return cluster;
}

LocalCluster::LocalCluster(DevOptions options) : cluster_(std::move(options)) {}

LocalCluster::~LocalCluster() {
  const absl::Status stopped = Stop();
  if (!stopped.ok()) std::fprintf(stderr, "LocalCluster: %s\n", stopped.ToString().c_str());
}

absl::Status LocalCluster::StartGuard() {
  CLOISTER_ASSIGN_OR_RETURN(const std::string cli, ClusterRunfile("CLOISTER_TEST_CLI"));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  OwnedFd reading(ends[0]);
  OwnedFd writing(ends[1]);
  OwnedFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!null.valid()) return ErrnoStatus(errno, "/dev/null");
  SpawnOptions options;
  options.argv = {
      cli, "dev", "stop", "--dir", layout().directory, "--grace=0", "--when-stdin-ends"};
  options.fds = {
      {reading.get(), STDIN_FILENO}, {null.get(), STDOUT_FILENO}, {null.get(), STDERR_FILENO}};
  // What ends this process by its group or its terminal must not end the guard.
  options.new_session = true;
  CLOISTER_ASSIGN_OR_RETURN(SpawnedProcess guard, Spawn(options));
  guard_ = std::move(guard.pidfd);
  guard_line_ = std::move(writing);
  return absl::OkStatus();
}

void LocalCluster::Connect(int nodes) {
  client_ = ConnectDev(layout().frontend_socket);
  tasks_ = v1::TaskService::NewStub(DevChannel(layout().frontend_socket));
  nodes_ = v1::NodeService::NewStub(DevChannel(layout().frontend_socket));
  for (int node = 1; node <= nodes; ++node) {
    executor_clients_.push_back(ConnectDev(layout().Node(node).socket));
    executor_tasks_.push_back(v1::TaskService::NewStub(DevChannel(layout().Node(node).socket)));
  }
}

absl::StatusOr<TaskOutcome> LocalCluster::Run(v1::StartTaskRequest request) {
  if (request.request_id().empty()) request.set_request_id(RandomId());
  TaskOutcome outcome;
  CLOISTER_ASSIGN_OR_RETURN(outcome.task, client_->StartTask(request));
  const std::string id = outcome.task.id();
  CLOISTER_ASSIGN_OR_RETURN(outcome.task, client_->WaitTask(id));
  CLOISTER_ASSIGN_OR_RETURN(outcome.out, ReadAll(id, v1::LOG_STREAM_STDOUT));
  CLOISTER_ASSIGN_OR_RETURN(outcome.err, ReadAll(id, v1::LOG_STREAM_STDERR));
  return outcome;
}

absl::StatusOr<TaskOutcome> LocalCluster::Run(const std::vector<std::string>& command) {
  return Run(TaskRequest(command));
}

absl::StatusOr<v1::Task> LocalCluster::StartTask(const std::vector<std::string>& command) {
  return client_->StartTask(TaskRequest(command));
}

absl::Status LocalCluster::Destroy(const std::string& task_id) {
  v1::DestroyTaskRequest request;
  request.set_request_id(RandomId());
  request.set_task_id(task_id);
  request.set_force(true);
  return client_->DestroyTask(request);
}

absl::StatusOr<std::string> LocalCluster::ReadAll(const std::string& task_id,
                                                  v1::LogStream stream) {
  v1::ReadLogsRequest request;
  request.set_task_id(task_id);
  request.set_stream(stream);
  request.set_follow(true);
  std::string text;
  CLOISTER_RETURN_IF_ERROR(client_->ReadLogs(request, [&](absl::string_view bytes) {
    text.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }));
  return text;
}

absl::Status LocalCluster::KillExecutor(int node) { return cluster_.KillService(node_id(node)); }

absl::Status LocalCluster::KillFrontend() { return cluster_.KillService("frontend"); }

absl::Status LocalCluster::KillLaunchers(int node) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<DevProcessFound> found,
                            FindDevProcesses(layout().Node(node).state_directory));
  if (found.empty()) return absl::NotFoundError(absl::StrCat(node_id(node), " has no launcher"));
  for (const DevProcessFound& process : found) (void)process.pidfd.Signal(SIGKILL);
  for (const DevProcessFound& process : found) process.pidfd.AwaitEnd(-1);
  return absl::OkStatus();
}

absl::Status LocalCluster::StartExecutor(int node) {
  CLOISTER_RETURN_IF_ERROR(cluster_.StartService(node_id(node)));
  return cluster_.AwaitReady(kPatience);
}

absl::Status LocalCluster::StartFrontend() {
  CLOISTER_RETURN_IF_ERROR(cluster_.StartService("frontend"));
  return cluster_.AwaitReady(kPatience);
}

absl::Status LocalCluster::Stop() {
  if (stopped_) return absl::OkStatus();
  stopped_ = true;
  // A server that is asked to go waits for its clients to hang up, and an idle channel of ours does
  // not notice for seconds.
  client_.reset();
  tasks_.reset();
  nodes_.reset();
  executor_clients_.clear();
  executor_tasks_.clear();
  DevStopOptions options;
  // A test has no use for the goodbyes of what it left running.
  options.grace = absl::ZeroDuration();
  absl::Status status = StopDevCluster(layout(), options).status();
  // Children of ours that Stop found by other means than our handles are reaped here.
  for (const auto& service : cluster_.services()) (void)service.second.Reap();
  // Nothing is left for the guard to do.
  guard_line_.reset();
  if (guard_.valid()) status.Update(guard_.WaitAndReap().status());
  return status;
}

}  // namespace cloister
