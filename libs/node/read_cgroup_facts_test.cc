#include "libs/node/read_cgroup_facts.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/node/testing/fake_root.h"

namespace cloister::node {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kRootMount[] = "1 0 0:1 / / rw - ext4 /dev/vda rw\n2 1 0:2 / /sys rw - sysfs s rw\n";

// As systemd mounts them on a v1 host.
constexpr char kV1Mounts[] =
    "31 2 0:28 / /sys/fs/cgroup rw - tmpfs t rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";
constexpr char kV1Own[] =
    "4:memory:/system.slice/cloister.service\n3:pids:/\n2:cpu,cpuacct:/a:b\n1:name=systemd:/x\n";
constexpr char kUnifiedMount[] = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
constexpr char kV2Mount[] = "30 2 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";

CgroupFacts Parse(const std::string& mounts, absl::string_view own) {
  const auto facts = ParseCgroupFacts(kRootMount + mounts, own);
  EXPECT_THAT(facts, IsOk());
  return facts.value_or(CgroupFacts());
}

TEST(ParseCgroupFacts, FindsTheHierarchiesOfAV1Host) {
  const CgroupFacts facts = Parse(kV1Mounts, kV1Own);
  EXPECT_EQ(facts.layout, CgroupLayout::kV1);
  ASSERT_EQ(facts.hierarchies.size(), 3u);
  const CgroupHierarchy& cpu = facts.hierarchies[0];
  EXPECT_EQ(cpu.mount_point, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_FALSE(cpu.unified);
  EXPECT_THAT(cpu.controllers, ElementsAre("cpu", "cpuacct"));
  EXPECT_TRUE(cpu.writable);
  EXPECT_EQ(cpu.own_path, "a:b");
  EXPECT_EQ(facts.hierarchies[1].own_path, "system.slice/cloister.service");
  EXPECT_EQ(facts.hierarchies[2].own_path, "");
}

TEST(ParseCgroupFacts, AV2HierarchyBesideMakesItHybrid) {
  const CgroupFacts facts =
      Parse(absl::StrCat(kV1Mounts, kUnifiedMount), absl::StrCat(kV1Own, "0::/u\n"));
  EXPECT_EQ(facts.layout, CgroupLayout::kHybrid);
  ASSERT_EQ(facts.hierarchies.size(), 4u);
  EXPECT_TRUE(facts.hierarchies[3].unified);
  EXPECT_EQ(facts.hierarchies[3].mount_point, "/sys/fs/cgroup/unified");
  EXPECT_EQ(facts.hierarchies[3].own_path, "u");
}

TEST(ParseCgroupFacts, AReadOnlyMountIsNotWritable) {
  const CgroupFacts facts =
      Parse("30 2 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw\n", "0::/\n");
  ASSERT_EQ(facts.hierarchies.size(), 1u);
  EXPECT_FALSE(facts.hierarchies[0].writable);
}

TEST(ParseCgroupFacts, AContainersOwnPathIsToldBeneathItsMount) {
  const std::string mounts =
      "35 2 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
  EXPECT_EQ(Parse(mounts, "4:memory:/docker/abc\n").hierarchies[0].own_path, "");
  EXPECT_EQ(Parse(mounts, "4:memory:/docker/abc/d\n").hierarchies[0].own_path, "d");
  // Not in what is mounted, or outside of the cgroup namespace.
  EXPECT_EQ(Parse(mounts, "4:memory:/docker/abcd\n").hierarchies[0].own_path, "");
  EXPECT_EQ(Parse(kV2Mount, "0::/../other\n").hierarchies[0].own_path, "");
}

TEST(ParseCgroupFacts, OfTwoMountsOfOneHierarchyTheWritableOneCounts) {
  const CgroupFacts facts = Parse(
      "35 2 0:32 / /a ro - cgroup cgroup rw,memory\n36 2 0:32 / /b rw - cgroup cgroup rw,memory\n"
      "37 2 0:32 / /c rw - cgroup cgroup rw,memory\n",
      "4:memory:/\n");
  ASSERT_EQ(facts.hierarchies.size(), 1u);
  EXPECT_EQ(facts.hierarchies[0].mount_point, "/b");
}

TEST(ParseCgroupFacts, WhatIsMountedOverDoesNotCount) {
  EXPECT_EQ(Parse("30 2 0:26 / /sys/fs/cgroup rw - cgroup2 c rw\n31 30 0:9 / /sys/fs/cgroup rw - "
                  "tmpfs t rw\n",
                  "0::/\n")
                .layout,
            CgroupLayout::kNone);
}

TEST(ParseCgroupFacts, ANodeWithoutCgroupsHasNone) {
  const CgroupFacts facts = Parse("", "");
  EXPECT_EQ(facts.layout, CgroupLayout::kNone);
  EXPECT_THAT(facts.hierarchies, IsEmpty());
}

TEST(ParseCgroupFacts, NamesALineThatIsNone) {
  EXPECT_THAT(ParseCgroupFacts("", "4:memory\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'4:memory'")));
}

TEST(LayoutOf, GoesByWhereTheFencingControllersAre) {
  const CgroupHierarchy v1_memory{"/m", false, {"memory"}};
  const CgroupHierarchy v1_freezer{"/f", false, {"freezer"}};
  const CgroupHierarchy v2_empty{"/u", true, {}};
  const CgroupHierarchy v2_full{"/u", true, {"cpu", "memory", "pids"}};
  EXPECT_EQ(LayoutOf({}), CgroupLayout::kNone);
  EXPECT_EQ(LayoutOf({v1_memory}), CgroupLayout::kV1);
  EXPECT_EQ(LayoutOf({v1_freezer}), CgroupLayout::kNone);
  EXPECT_EQ(LayoutOf({v2_full}), CgroupLayout::kV2);
  EXPECT_EQ(LayoutOf({v1_freezer, v2_full}), CgroupLayout::kV2);
  EXPECT_EQ(LayoutOf({v2_empty}), CgroupLayout::kNone);
  EXPECT_EQ(LayoutOf({v1_memory, v2_empty}), CgroupLayout::kHybrid);
  EXPECT_EQ(LayoutOf({v1_memory, v2_full}), CgroupLayout::kHybrid);
}

class ReadCgroupFactsTest : public testing::Test {
 protected:
  CgroupFacts Read() {
    const auto facts = ReadCgroupFacts(*HostRoot::Open(fake_.path()));
    EXPECT_THAT(facts, IsOk());
    return facts.value_or(CgroupFacts());
  }
  FakeRoot fake_;
};

TEST_F(ReadCgroupFactsTest, V2TakesItsControllersFromTheMountPoint) {
  fake_.AddFile("/proc/self/mountinfo", absl::StrCat(kRootMount, kV2Mount));
  fake_.AddFile("/proc/self/cgroup", "0::/system.slice/c.service\n");
  fake_.AddFile("/proc/swaps", "");
  fake_.AddFile("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
  const CgroupFacts facts = Read();
  EXPECT_EQ(facts.layout, CgroupLayout::kV2);
  ASSERT_EQ(facts.hierarchies.size(), 1u);
  EXPECT_THAT(facts.hierarchies[0].controllers,
              ElementsAre("cpu", "cpuset", "io", "memory", "pids"));
  EXPECT_EQ(facts.hierarchies[0].own_path, "system.slice/c.service");
  EXPECT_TRUE(facts.hierarchies[0].writable);
  EXPECT_TRUE(facts.swap_limit);
}

TEST_F(ReadCgroupFactsTest, AHybridHostMayHaveAV2HierarchyWithoutControllers) {
  fake_.AddFile("/proc/self/mountinfo", absl::StrCat(kRootMount, kV1Mounts, kUnifiedMount));
  fake_.AddFile("/proc/self/cgroup", kV1Own);
  fake_.AddFile("/sys/fs/cgroup/unified/cgroup.controllers", "\n");
  fake_.AddFile("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", "");
  const CgroupFacts facts = Read();
  EXPECT_EQ(facts.layout, CgroupLayout::kHybrid);
  EXPECT_THAT(facts.hierarchies[3].controllers, IsEmpty());
  EXPECT_TRUE(facts.swap_limit);
}

TEST_F(ReadCgroupFactsTest, V1WithoutSwapAccountingCannotLimitSwap) {
  fake_.AddFile("/proc/self/mountinfo", absl::StrCat(kRootMount, kV1Mounts));
  fake_.AddFile("/proc/self/cgroup", kV1Own);
  fake_.AddDirectory("/sys/fs/cgroup/memory");
  const CgroupFacts facts = Read();
  EXPECT_FALSE(facts.swap_limit);
  EXPECT_TRUE(facts.hierarchies[1].writable);
  // A mount point that access(2) cannot even find.
  EXPECT_FALSE(facts.hierarchies[2].writable);
}

TEST_F(ReadCgroupFactsTest, AFileThatCannotBeReadIsNamed) {
  EXPECT_THAT(ReadCgroupFacts(*HostRoot::Open(fake_.path())),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/proc/self/mountinfo")));
}

TEST(ReadCgroupFacts, ReadsThisMachine) {
  const auto facts = ReadCgroupFacts(*HostRoot::Open("/"));
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->layout, LayoutOf(facts->hierarchies));
}

}  // namespace
}  // namespace cloister::node
