#include "libs/plan/plan_mounts.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using internal::Mount;
using ::testing::ElementsAre;

google::protobuf::RepeatedPtrField<Mount> Mounts(const char* more = "", bool noswap = true) {
  node::NodeFacts facts = ExampleFacts(node::CgroupLayout::kV2);
  facts.tmpfs_noswap = noswap;
  return PlanMounts(ExampleSpec(std::string("config { command: 'x' } ") + more), facts);
}

TEST(PlanMounts, AreTheseInThisOrder) {
  std::vector<std::string> paths;
  for (const Mount& mount : Mounts()) paths.push_back(mount.inside());
  EXPECT_THAT(paths, ElementsAre("/proc", "/dev/pts", "/dev/shm", "/dev/mqueue", "/tmp", "/local",
                                 "/alloc", "/secrets"));
}

TEST(PlanMounts, NothingButTheTasksDirectoriesCanBeExecutedFrom) {
  for (const Mount& mount : Mounts()) {
    EXPECT_EQ(mount.noexec(), mount.kind() != Mount::KIND_TASK_DIRECTORY) << mount.inside();
    EXPECT_FALSE(mount.read_only()) << mount.inside();
  }
}

TEST(PlanMounts, TheTasksDirectoriesAreItsOwnAlone) {
  std::map<std::string, uint32_t> modes;
  for (const Mount& mount : Mounts()) {
    if (mount.kind() != Mount::KIND_TASK_DIRECTORY) continue;
    EXPECT_TRUE(modes.emplace(mount.source(), mount.mode()).second);
    EXPECT_EQ(mount.source().find('/'), std::string::npos);
  }
  const std::map<std::string, uint32_t> expected = {
      {"alloc", 01777}, {"local", 0700}, {"tmp", 01777}};
  EXPECT_EQ(modes, expected);
}

TEST(PlanMounts, OfAllocTheTaskOwnsDataAndTmpButNotLogs) {
  const Mount alloc = Mounts().Get(6);
  std::vector<std::string> parts;
  for (const Mount::Part& part : alloc.parts()) {
    parts.push_back(part.name());
    EXPECT_EQ(part.owned(), part.name() != "logs");
    EXPECT_EQ(part.mode(), part.owned() ? 0700u : 0755u);
  }
  EXPECT_THAT(parts, ElementsAre("data", "tmp", "logs"));
}

TEST(PlanMounts, SecretsAreMemoryOfTheTasksOwn) {
  const Mount secrets = Mounts("resources { secrets: 7 }").Get(7);
  EXPECT_EQ(secrets.kind(), Mount::KIND_TMPFS);
  EXPECT_EQ(secrets.size_bytes(), 7u << 20);
  EXPECT_EQ(secrets.mode(), 0700u);
  EXPECT_TRUE(secrets.owned());
  EXPECT_TRUE(secrets.noswap());
  EXPECT_FALSE(Mounts("", false).Get(7).noswap());
}

TEST(PlanMounts, SharedMemoryIsBounded) {
  const Mount shm = Mounts().Get(2);
  EXPECT_EQ(shm.kind(), Mount::KIND_TMPFS);
  EXPECT_EQ(shm.size_bytes(), 64u << 20);
  EXPECT_EQ(shm.mode(), 01777u);
}

}  // namespace
}  // namespace cloister::plan
