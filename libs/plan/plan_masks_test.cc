#include "libs/plan/plan_masks.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = node::HostPath::Kind;

std::vector<std::string> Lines(const MaskPlan& masks) {
  std::vector<std::string> lines;
  for (const internal::Mask& mask : masks.proc) {
    lines.push_back(
        absl::StrCat(internal::Mask::Kind_Name(mask.kind()).substr(5), " ", mask.inside()));
  }
  return lines;
}

TEST(PlanMasks, ReadOnlyComesFirstAndOnlyWhatIsThereIsMasked) {
  const auto masks =
      PlanMasks(ExampleFacts(node::CgroupLayout::kV2), node::DefaultNodePolicy(), true);
  ASSERT_THAT(masks, IsOk());
  EXPECT_THAT(Lines(*masks),
              ElementsAre("READ_ONLY /proc/bus", "READ_ONLY /proc/fs", "READ_ONLY /proc/irq",
                          "READ_ONLY /proc/sys", "READ_ONLY /proc/sysrq-trigger",
                          "HIDDEN_DIRECTORY /proc/acpi", "HIDDEN_FILE /proc/interrupts",
                          "HIDDEN_FILE /proc/kcore", "HIDDEN_FILE /proc/keys",
                          "HIDDEN_DIRECTORY /proc/scsi", "HIDDEN_FILE /proc/timer_list"));
  EXPECT_THAT(masks->hidden_sys_directories, ElementsAre("/sys/firmware"));
  EXPECT_THAT(masks->missing,
              ElementsAre("/proc/asound", "/proc/latency_stats", "/proc/sched_debug",
                          "/proc/timer_stats", "/sys/devices/virtual/powercap"));
}

class PlanMasksOfOnePathTest : public testing::Test {
 protected:
  absl::StatusOr<MaskPlan> Hide(const std::string& path, Kind kind) {
    policy_.hidden_paths = {path};
    facts_.mask_targets = {{path, kind, false, path}};
    return PlanMasks(facts_, policy_, true);
  }
  absl::StatusOr<MaskPlan> MakeReadOnly(const std::string& path, Kind kind) {
    policy_.read_only_paths = {path};
    facts_.mask_targets = {{path, kind, false, path}};
    return PlanMasks(facts_, policy_, true);
  }
  node::NodePolicy policy_;
  node::NodeFacts facts_;
};

// In a container /proc/kcore is a device already.
TEST_F(PlanMasksOfOnePathTest, AnythingThatIsNoDirectoryIsHiddenAsAFile) {
  EXPECT_THAT(Lines(*Hide("/proc/kcore", Kind::kOther)), ElementsAre("HIDDEN_FILE /proc/kcore"));
}

TEST_F(PlanMasksOfOnePathTest, WhatCannotBeMaskedIsRefusedAndNotSkipped) {
  EXPECT_THAT(Hide("/etc/shadow", Kind::kFile),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'/etc/shadow'")));
  EXPECT_THAT(Hide("/proc", Kind::kDirectory), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Hide("/sys/kernel/vmcoreinfo", Kind::kFile),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("only directories of /sys")));
  policy_.hidden_paths.clear();
  EXPECT_THAT(MakeReadOnly("/dev", Kind::kDirectory), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(PlanMasksOfOnePathTest, SysIsReadOnlyAnyway) {
  const auto masks = MakeReadOnly("/sys/kernel", Kind::kDirectory);
  ASSERT_THAT(masks, IsOk());
  EXPECT_THAT(masks->proc, IsEmpty());
}

TEST_F(PlanMasksOfOnePathTest, APathThatWasNotLookedForIsAnError) {
  policy_.hidden_paths = {"/proc/kcore"};
  EXPECT_THAT(PlanMasks(facts_, policy_, true),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("'/proc/kcore'")));
}

}  // namespace
}  // namespace cloister::plan
