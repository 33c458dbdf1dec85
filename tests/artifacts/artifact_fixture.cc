#include "tests/artifacts/artifact_fixture.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/artifact/hasher.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/task_request.h"

namespace cloister {
namespace {

namespace fs = std::filesystem;

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
  v1::StartTaskRequest request = TaskRequest(command);
  request.mutable_config()->mutable_resources()->set_memory(64);
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
