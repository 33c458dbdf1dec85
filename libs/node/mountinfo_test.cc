#include "libs/node/mountinfo.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::node {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<int> ReachableIds(absl::string_view text) {
  const auto mounts = ParseMountInfo(text);
  EXPECT_THAT(mounts, IsOk());
  std::vector<int> ids;
  for (const MountEntry& mount : ReachableMounts(*mounts)) ids.push_back(mount.id);
  return ids;
}

TEST(MountInfo, ReadsEveryField) {
  const auto mounts = ParseMountInfo(
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n"
      "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct\n");
  ASSERT_THAT(mounts, IsOk());
  ASSERT_EQ(mounts->size(), 2u);
  const MountEntry& first = (*mounts)[0];
  EXPECT_EQ(first.id, 36);
  EXPECT_EQ(first.parent, 35);
  EXPECT_EQ(first.root, "/mnt1");
  EXPECT_EQ(first.mount_point, "/mnt2");
  EXPECT_EQ(first.type, "ext3");
  EXPECT_THAT(first.super_options, ElementsAre("rw", "errors=continue"));
  EXPECT_FALSE(first.read_only);
  EXPECT_EQ((*mounts)[1].mount_point, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_TRUE((*mounts)[1].read_only);
}

TEST(MountInfo, AReadOnlyFileSystemIsReadOnlyUnderAnyMount) {
  EXPECT_TRUE((*ParseMountInfo("1 0 0:1 / / rw - cgroup2 cgroup2 ro\n"))[0].read_only);
}

TEST(MountInfo, TakesEscapesBack) {
  const auto mounts =
      ParseMountInfo("1 0 0:1 /a\\134b /x\\040y\\011z\\012 rw - tmpfs t\\040t rw\n");
  ASSERT_THAT(mounts, IsOk());
  EXPECT_EQ((*mounts)[0].root, "/a\\b");
  EXPECT_EQ((*mounts)[0].mount_point, "/x y\tz\n");
}

TEST(MountInfo, ABackslashAtTheEndIsOne) {
  EXPECT_EQ((*ParseMountInfo("1 0 0:1 / /a\\ rw - tmpfs t rw\n"))[0].mount_point, "/a\\");
  EXPECT_EQ((*ParseMountInfo("1 0 0:1 / /a\\04 rw - tmpfs t rw\n"))[0].mount_point, "/a\\04");
}

TEST(MountInfo, NamesALineThatIsNone) {
  for (const char* line :
       {"x", "1 0 0:1 / / rw", "a 0 0:1 / / rw - t s rw", "1 b 0:1 / / rw - t s rw",
        "1 0 0:1 / / rw - t s", "1 0 0:1 / / - t s rw"}) {
    EXPECT_THAT(ParseMountInfo(line), StatusIs(absl::StatusCode::kInvalidArgument,
                                               HasSubstr(absl::StrCat("'", line, "'"))));
  }
  EXPECT_THAT(ParseMountInfo(""), IsOkAndHolds(IsEmpty()));
}

TEST(ReachableMounts, AreAllOfAnOrdinaryTreeInWhateverOrder) {
  EXPECT_THAT(ReachableIds("22 27 0:21 / /proc rw - proc proc rw\n"
                           "24 27 0:6 / /dev rw - devtmpfs d rw\n"
                           "25 24 0:23 / /dev/shm rw - tmpfs t rw\n"
                           "27 1 254:0 / / rw - ext4 /dev/vda rw\n"),
              ElementsAre(22, 24, 25, 27));
}

TEST(ReachableMounts, TheUpperOfTwoOnOnePointIsReached) {
  EXPECT_THAT(ReachableIds("1 0 0:1 / / rw - t t rw\n"
                           "2 1 0:2 / /sys/fs/cgroup rw - cgroup2 c rw\n"
                           "3 2 0:3 / /sys/fs/cgroup rw - tmpfs t rw\n"
                           "4 3 0:4 / /sys/fs/cgroup/memory rw - cgroup c rw\n"),
              ElementsAre(1, 3, 4));
}

TEST(ReachableMounts, WhatLiesUnderALaterMountFurtherUpIsNot) {
  EXPECT_THAT(ReachableIds("1 0 0:1 / / rw - t t rw\n"
                           "2 1 0:2 / /sys/fs/cgroup rw - cgroup2 c rw\n"
                           "3 1 0:3 / /sys rw - sysfs s rw\n"),
              ElementsAre(1, 3));
}

TEST(ReachableMounts, ChildrenOfACoveredMountAreCovered) {
  EXPECT_THAT(ReachableIds("1 0 0:1 / / rw - t t rw\n"
                           "2 1 0:2 / /a rw - t t rw\n"
                           "3 2 0:3 / /a/b rw - t t rw\n"
                           "4 2 0:4 / /a rw - t t rw\n"
                           "5 4 0:5 / /a/c rw - t t rw\n"),
              ElementsAre(1, 4, 5));
}

TEST(ReachableMounts, NamesThatOnlyBeginAlikeDoNotCover) {
  EXPECT_THAT(ReachableIds("1 0 0:1 / / rw - t t rw\n"
                           "2 1 0:2 / /a rw - t t rw\n"
                           "3 1 0:3 / /ab rw - t t rw\n"),
              ElementsAre(1, 2, 3));
}

TEST(ReachableMounts, EndOnAListThatIsNoTree) {
  EXPECT_THAT(ReachableIds("1 2 0:1 / /a rw - t t rw\n2 1 0:2 / /b rw - t t rw\n"),
              ElementsAre(1, 2));
}

}  // namespace
}  // namespace cloister::node
