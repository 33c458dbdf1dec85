#include "tests/testing/cluster_fixture.h"

#include <stdlib.h>

#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/leftovers.h"
#include "tools/cloister/dev_processes.h"

namespace cloister {
namespace {

constexpr size_t kLinesShown = 40;

void ShowLogs(const DevLayout& layout) {
  for (const std::string name : {"frontend", "node-1", "node-2", "node-3"}) {
    const std::string words = LastLines(absl::StrCat(layout.log_directory, "/", name), kLinesShown);
    if (!words.empty()) std::cerr << "--- " << name << "\n" << words << "\n";
  }
}

}  // namespace

void ClusterTest::SetUp() {
  const absl::Status can_run = RunsWithoutRoot() ? absl::OkStatus() : LocalCluster::CanRun();
  if (!can_run.ok()) {
    ASSERT_EQ(getenv("CLOISTER_REQUIRE_ROOT"), nullptr) << can_run;
    GTEST_SKIP() << can_run.message();
  }
  absl::StatusOr<std::unique_ptr<LocalCluster>> cluster = LocalCluster::Start(Options());
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  cluster_ = *std::move(cluster);
}

void ClusterTest::TearDown() {
  if (cluster_ == nullptr) return;
  const absl::Status stopped = cluster_->Stop();
  EXPECT_TRUE(stopped.ok()) << stopped;
  absl::StatusOr<std::vector<std::string>> leftovers = FindLeftovers(cluster_->layout());
  EXPECT_TRUE(leftovers.ok()) << leftovers.status();
  if (leftovers.ok()) {
    for (const std::string& leftover : *leftovers) ADD_FAILURE() << "left behind: " << leftover;
  }
  if (HasFailure()) ShowLogs(cluster_->layout());
}

}  // namespace cloister
