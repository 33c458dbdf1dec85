#include "tests/conformance/conformance_fixture.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/random_id.h"
#include "tests/testing/leftovers.h"

namespace cloister {
namespace {

std::map<std::string, std::unique_ptr<LocalCluster>>& Clusters() {
  static auto* const clusters = new std::map<std::string, std::unique_ptr<LocalCluster>>();
  return *clusters;
}

std::string MakeVolumes() {
  const std::string directory = absl::StrCat(getenv("TEST_TMPDIR"), "/volumes-", RandomId());
  EXPECT_EQ(mkdir(directory.c_str(), 0755), 0);
  for (const char* name : {"data", "tools", "more-tools"}) {
    const std::string path = absl::StrCat(directory, "/", name);
    EXPECT_EQ(mkdir(path.c_str(), 0755), 0);
    if (path.back() == 'a') {
      EXPECT_EQ(chmod(path.c_str(), 0777), 0);
      continue;
    }
    std::ofstream(path + "/tool") << "#!/bin/sh\necho $0 $*\n";
    EXPECT_EQ(chmod((path + "/tool").c_str(), 0755), 0);
  }
  return directory;
}

const std::string& Volumes() {
  static const auto* const directory = new std::string(MakeVolumes());
  return *directory;
}

std::string PolicyWithVolumes(const std::string& policy) {
  std::string text = policy;
  for (const char* name : {"data", "tools", "more-tools"}) {
    absl::StrAppend(&text, "host_volume \"", name, "\" {\n  path = \"", Volumes(), "/", name,
                    "\"\n  read_only = ", std::string(name) == "data" ? "false" : "true", "\n}\n");
  }
  return text;
}

}  // namespace

void ConformanceTest::SetUp() {
  const absl::Status can_run = LocalCluster::CanRun();
  if (can_run.ok()) return;
  ASSERT_EQ(getenv("CLOISTER_REQUIRE_ROOT"), nullptr) << can_run;
  GTEST_SKIP() << can_run.message();
}

void ConformanceTest::TearDownTestSuite() {
  for (auto& [policy, cluster] : Clusters()) {
    const absl::Status stopped = cluster->Stop();
    EXPECT_TRUE(stopped.ok()) << stopped;
    const auto leftovers = FindLeftovers(cluster->layout());
    EXPECT_TRUE(leftovers.ok()) << leftovers.status();
    if (!leftovers.ok()) continue;
    for (const std::string& leftover : *leftovers) ADD_FAILURE() << "left behind: " << leftover;
  }
  Clusters().clear();
}

LocalCluster* ConformanceTest::Cluster(const std::string& policy) {
  std::unique_ptr<LocalCluster>& cluster = Clusters()[policy];
  if (cluster == nullptr) {
    const auto path =
        WriteTestFile(absl::StrCat("policy-", RandomId(), ".hcl"), PolicyWithVolumes(policy));
    EXPECT_TRUE(path.ok()) << path.status();
    if (!path.ok()) return nullptr;
    LocalClusterOptions options;
    options.executor_flags = {absl::StrCat("--policy=", *path)};
    absl::StatusOr<std::unique_ptr<LocalCluster>> started = LocalCluster::Start(options);
    EXPECT_TRUE(started.ok()) << started.status();
    if (!started.ok()) return nullptr;
    cluster = *std::move(started);
  }
  return cluster.get();
}

Said ConformanceTest::Cloister(const std::string& verb, const std::string& text,
                               const std::string& policy, const std::vector<std::string>& flags) {
  LocalCluster* const cluster = Cluster(policy);
  const auto path = WriteTestFile(absl::StrCat("job-", RandomId(), ".hcl"), text);
  EXPECT_TRUE(path.ok()) << path.status();
  if (cluster == nullptr || !path.ok()) return {};
  std::vector<std::string> words = {verb};
  words.insert(words.end(), flags.begin(), flags.end());
  words.push_back(*path);
  absl::StatusOr<Said> said = RunCloister(words, cluster->address());
  EXPECT_TRUE(said.ok()) << said.status();
  return said.ok() ? *std::move(said) : Said();
}

std::string ConformanceTest::VolumeDirectory(const std::string& volume) {
  return absl::StrCat(Volumes(), "/", volume);
}

uint64_t NodeCapabilities() {
  uint64_t held = 0;
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1) held |= uint64_t{1} << capability;
  }
  return held;
}

std::string TaskFile(const std::string& config, const std::string& more,
                     const std::string& outside) {
  return absl::StrCat("task \"t\" {\n  driver = \"exec\"\n  config {\n", config, "\n  }\n", more,
                      "\n}\n", outside, "\n");
}

std::string ScriptFile(const std::string& script, const std::string& config,
                       const std::string& more, const std::string& outside) {
  return TaskFile(
      absl::StrCat("    command = \"/bin/sh\"\n    args = [\"-c\", \"", script, "\"]\n", config),
      more, outside);
}

}  // namespace cloister
