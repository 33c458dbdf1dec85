#include "tests/artifacts/artifact_fixture.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/artifact/hasher.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

namespace fs = std::filesystem;

std::string FirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line, '\0');
  return line;
}

}  // namespace

ArtifactTest::ArtifactTest() {
  www_.MakeDirectory("slow");
  // A body that takes for ever as far as a test is concerned.
  auto server = artifact::Nginx::Start(
      www_.path(), "location /slow/ { limit_rate 65536; }\nlocation /gone { return 503; }",
      nullptr);
  EXPECT_THAT(server, IsOk());
  if (server.ok()) server_ = *std::move(server);
}

ArtifactTest::~ArtifactTest() = default;

LocalClusterOptions ArtifactTest::Options() {
  www_.Write("policy.hcl", absl::StrCat("artifact {\n  allowed_networks = [\"127.0.0.0/8\"]\n",
                                        Policy(), "\n}\n"));
  LocalClusterOptions options;
  options.executor_flags = {absl::StrCat("--policy=", www_.path(), "/policy.hcl")};
  return options;
}

void ArtifactTest::TearDown() {
  if (!IsSkipped() && !HasFatalFailure()) {
    EXPECT_TRUE(Unfinished().empty()) << testing::PrintToString(Unfinished());
  }
  ClusterTest::TearDown();
}

std::string ArtifactTest::Sum(const std::string& content) {
  artifact::Hasher hasher;
  hasher.Update(content);
  return absl::StrCat("sha256:",
                      artifact::HexOf(hasher.Finish(), artifact::DigestAlgorithm::kSha256));
}

void ArtifactTest::Pack(const std::string& tree, const std::string& name) {
  EXPECT_THAT(artifact::RunProgram({"/bin/tar", "-C", www_.path() + "/" + tree, "-caf",
                                    www_.path() + "/" + name, "."},
                                   {"PATH=/usr/bin:/bin"}),
              IsOk());
}

v1::StartTaskRequest ArtifactTest::Request(const std::vector<std::string>& command) {
  v1::StartTaskRequest request;
  request.set_request_id(RandomId());
  v1::TaskConfig* config = request.mutable_config();
  config->mutable_resources()->set_memory(64);
  config->mutable_config()->set_command(command[0]);
  for (size_t i = 1; i < command.size(); ++i) config->mutable_config()->add_args(command[i]);
  return request;
}

v1::StartTaskRequest ArtifactTest::Shell(const std::string& script) {
  return Request({"/bin/sh", "-c", script});
}

v1::Artifact* ArtifactTest::Add(v1::StartTaskRequest* request, const std::string& source,
                                const std::string& checksum) {
  v1::Artifact* artifact = request->mutable_config()->add_artifacts();
  artifact->set_source(source);
  if (!checksum.empty()) (*artifact->mutable_options())["checksum"] = checksum;
  return artifact;
}

std::string ArtifactTest::OutputOf(const v1::StartTaskRequest& request, v1::Task* task) {
  const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
  EXPECT_THAT(outcome, IsOk());
  if (!outcome.ok()) return std::string(outcome.status().message());
  EXPECT_EQ(outcome->task.exit_result().exit_code(), 0) << outcome->err;
  if (task != nullptr) *task = outcome->task;
  EXPECT_THAT(cluster().Destroy(outcome->task.id()), IsOk());
  return outcome->out;
}

v1::Task ArtifactTest::Begin(v1::StartTaskRequest request) {
  request.set_wait(v1::StartTaskRequest::WAIT_ACCEPTED);
  absl::StatusOr<v1::Task> task = cluster().client().StartTask(request);
  EXPECT_THAT(task, IsOk());
  if (!task.ok()) return v1::Task();
  EXPECT_THAT(cluster().client().WatchTask(task->id(),
                                           [](const v1::Task& seen) {
                                             return seen.state() == v1::TASK_STATE_PENDING &&
                                                    (seen.artifacts_size() == 0 ||
                                                     seen.artifacts(0).fetched_bytes() == 0);
                                           }),
              IsOk());
  return *task;
}

absl::Status ArtifactTest::Stop(const std::string& task_id) {
  v1::StopTaskRequest request;
  request.set_request_id(RandomId());
  request.set_task_id(task_id);
  request.mutable_grace();
  return cluster().client().StopTask(request).status();
}

pid_t ArtifactTest::FetcherPid() {
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    if (!absl::EndsWith(FirstLine(entry.path() / "cmdline"), "/cloister-fetcher")) continue;
    // Of this cluster's executor, not of a cell.
    std::ifstream status(entry.path() / "stat");
    std::string text;
    std::getline(status, text);
    const size_t behind = text.rfind(')');
    pid_t parent = 0;
    if (behind == std::string::npos ||
        !absl::SimpleAtoi(text.substr(behind + 4, text.find(' ', behind + 4) - behind - 4),
                          &parent))
      continue;
    const std::string program = FirstLine(absl::StrCat("/proc/", parent, "/cmdline"));
    std::ifstream words(absl::StrCat("/proc/", parent, "/cmdline"));
    const std::string all((std::istreambuf_iterator<char>(words)),
                          std::istreambuf_iterator<char>());
    if (absl::EndsWith(program, "/cloister-executor") && absl::StrContains(all, StateDirectory()))
      return pid;
  }
  return 0;
}

std::vector<std::string> ArtifactTest::Unfinished() {
  std::vector<std::string> found;
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(StateDirectory() + "/artifacts/staging", error)) {
    found.push_back(entry.path().string());
  }
  return found;
}

}  // namespace cloister
