#include "libs/plan/plan_mounts.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::plan {
namespace {

using internal::Mount;
using ::testing::ElementsAre;

TEST(PlanMounts, AreTheseInThisOrder) {
  std::vector<std::string> paths;
  for (const Mount& mount : PlanMounts()) paths.push_back(mount.inside());
  EXPECT_THAT(paths, ElementsAre("/proc", "/dev/pts", "/dev/shm", "/dev/mqueue", "/tmp", "/local"));
}

TEST(PlanMounts, NothingButTheTasksDirectoriesCanBeExecutedFrom) {
  for (const Mount& mount : PlanMounts()) {
    EXPECT_EQ(mount.noexec(), mount.kind() != Mount::KIND_TASK_DIRECTORY) << mount.inside();
    EXPECT_FALSE(mount.read_only()) << mount.inside();
  }
}

TEST(PlanMounts, TheTasksDirectoriesAreItsOwnAlone) {
  std::set<std::string> sources;
  for (const Mount& mount : PlanMounts()) {
    if (mount.kind() != Mount::KIND_TASK_DIRECTORY) continue;
    EXPECT_TRUE(sources.insert(mount.source()).second);
    EXPECT_EQ(mount.source().find('/'), std::string::npos);
    EXPECT_EQ(mount.mode(), mount.inside() == "/tmp" ? 01777u : 0700u);
  }
  EXPECT_THAT(sources, ElementsAre("local", "tmp"));
}

TEST(PlanMounts, SharedMemoryIsBounded) {
  const Mount shm = PlanMounts().Get(2);
  EXPECT_EQ(shm.kind(), Mount::KIND_TMPFS);
  EXPECT_EQ(shm.size_bytes(), 64u << 20);
  EXPECT_EQ(shm.mode(), 01777u);
}

}  // namespace
}  // namespace cloister::plan
