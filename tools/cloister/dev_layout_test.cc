#include "tools/cloister/dev_layout.h"

#include <sys/stat.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

using testing::SizeIs;
using testing::StartsWith;

TEST(DevLayout, KeepsAllInItsDirectory) {
  absl::StatusOr<DevLayout> layout = MakeDevLayout("/tmp/d", "/run");
  ASSERT_THAT(layout, IsOk());
  EXPECT_FALSE(layout->run_is_link());
  EXPECT_EQ(layout->address(), "unix:/tmp/d/run/frontend.sock");
  const DevNodeLayout node = layout->Node(2);
  EXPECT_EQ(node.id, "node-2");
  EXPECT_EQ(node.state_directory, "/tmp/d/node-2");
  EXPECT_EQ(node.address(), "unix:/tmp/d/run/node-2/executor.sock");
  EXPECT_EQ(node.cgroup_parent, layout->cgroup_parent + "/node-2");
  EXPECT_THAT(layout->cgroup_parent, StartsWith("cloister-dev-"));
}

TEST(DevLayout, TakesAShortRunDirectoryWhereSocketsWouldNotFit) {
  const std::string deep = "/" + std::string(73, 'd');
  absl::StatusOr<DevLayout> layout = MakeDevLayout(deep, "/run");
  ASSERT_THAT(layout, IsOk());
  EXPECT_TRUE(layout->run_is_link());
  EXPECT_THAT(layout->run_directory, StartsWith("/run/cloister-dev-"));
  EXPECT_EQ(layout->run_link, deep + "/run");
  // One byte less, and the longest socket fits exactly.
  absl::StatusOr<DevLayout> shorter = MakeDevLayout(deep.substr(0, 70), "/run");
  ASSERT_THAT(shorter, IsOk());
  EXPECT_FALSE(shorter->run_is_link());
  EXPECT_THAT(shorter->Node(kMaxDevNodes).run_directory + "/launcher-9999999999.sock", SizeIs(107));
}

TEST(DevLayout, DirectoriesDoNotShareCgroupsOrSockets) {
  const std::string deep(120, 'd');
  absl::StatusOr<DevLayout> a = MakeDevLayout("/a/" + deep, "/run");
  absl::StatusOr<DevLayout> b = MakeDevLayout("/b/" + deep, "/run");
  EXPECT_NE(a->cgroup_parent, b->cgroup_parent);
  EXPECT_NE(a->run_directory, b->run_directory);
}

TEST(DevLayout, RefusesTheRootAndRelativePaths) {
  EXPECT_THAT(MakeDevLayout("/", "/run"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(MakeDevLayout("d", "/run"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ResolveDevLayout(""), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(DevLayout, SpellingsOfOneDirectoryAreOneCluster) {
  std::string base = testing::TempDir() + "layoutXXXXXX";
  ASSERT_NE(mkdtemp(&base[0]), nullptr);
  ASSERT_EQ(mkdir((base + "/real").c_str(), 0700), 0);
  ASSERT_EQ(symlink("real", (base + "/link").c_str()), 0);
  absl::StatusOr<DevLayout> real = ResolveDevLayout(base + "/real/new");
  absl::StatusOr<DevLayout> link = ResolveDevLayout(base + "/link/../link//new/");
  ASSERT_THAT(real, IsOk());
  ASSERT_THAT(link, IsOk());
  EXPECT_EQ(real->directory, link->directory);
  EXPECT_EQ(real->cgroup_parent, link->cgroup_parent);
}

}  // namespace
}  // namespace cloister
