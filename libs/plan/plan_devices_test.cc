#include "libs/plan/plan_devices.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using internal::DevicePlan;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PlanDevicesTest : public testing::Test {
 protected:
  PlanDevicesTest() {
    policy_.allowed_devices = {{"/dev/fuse", 6}, {"/dev/gone", 6}};
    facts_.devices = {{"/dev/fuse", true, "/dev/fuse", false, 10, 229},
                      {"/dev/gone", false, "", false, 0, 0}};
    cgroup_.add_hierarchies();
    cgroup_.add_hierarchies()->set_unified(true);
  }
  absl::StatusOr<DevicePlan> Plan(const std::vector<task::Device>& asked) {
    return PlanDevices(asked, facts_, policy_, &cgroup_, &root_);
  }

  node::NodeFacts facts_ = ExampleFacts(node::CgroupLayout::kHybrid);
  node::NodePolicy policy_ = node::DefaultNodePolicy();
  internal::CgroupPlan cgroup_;
  internal::RootTemplate root_;
};

TEST_F(PlanDevicesTest, ATaskWithoutDevicesIsFilteredWhereTheNodeCan) {
  ASSERT_THAT(Plan({}), IsOk());
  EXPECT_EQ(Plan({})->filter(), DevicePlan::FILTER_BPF);
  EXPECT_EQ(Plan({})->rules_size(), 0);
  EXPECT_EQ(root_.devices_size(), 0);
  cgroup_.mutable_hierarchies()->RemoveLast();
  EXPECT_EQ(Plan({})->filter(), DevicePlan::FILTER_UNSPECIFIED);
  cgroup_.add_hierarchies()->set_unified(true);
  facts_.device_filter = node::DeviceFilter::kNone;
  EXPECT_EQ(Plan({})->filter(), DevicePlan::FILTER_UNSPECIFIED);
}

TEST_F(PlanDevicesTest, WhatIsNotSaidIsWhatThePolicyAllows) {
  const auto plan = Plan({{"/dev/fuse", "/dev/fuse", 0}, {"/dev/fuse", "/dev/f", 2}});
  ASSERT_THAT(plan, IsOk());
  ASSERT_EQ(plan->rules_size(), 2);
  EXPECT_EQ(plan->rules(0).access(), 6u);
  EXPECT_EQ(plan->rules(1).access(), 2u);
  EXPECT_EQ(plan->rules(1).major(), 10u);
  EXPECT_EQ(plan->rules(1).minor(), 229u);
  internal::LaunchPlan whole;
  *whole.mutable_devices() = *plan;
  *whole.mutable_root() = root_;
  EXPECT_THAT(DeviceWords(whole), ElementsAre("/dev/fuse rw", "/dev/f r"));
  EXPECT_EQ(DeviceFilterWords(*plan), "bpf");
}

TEST_F(PlanDevicesTest, WithoutAV2HierarchyTheControllerOfV1HoldsIt) {
  cgroup_.clear_hierarchies();
  cgroup_.add_hierarchies()->add_controllers("devices");
  const auto plan = Plan({{"/dev/fuse", "/dev/fuse", 6}});
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->filter(), DevicePlan::FILTER_CONTROLLER);
  EXPECT_EQ(DeviceFilterWords(*plan), "v1");
  std::vector<std::string> writes;
  for (const auto& write : cgroup_.hierarchies(0).limits()) {
    writes.push_back(write.file() + " " + write.value());
  }
  ASSERT_EQ(writes.size(), 10u);
  EXPECT_EQ(writes.front(), "devices.deny a");
  EXPECT_EQ(writes[1], "devices.allow c 1:3 rw");
  EXPECT_EQ(writes.back(), "devices.allow c 10:229 rw");
}

TEST_F(PlanDevicesTest, WhatThePolicyDoesNotAllowIsRefused) {
  for (const task::Device& asked :
       {task::Device{"/dev/sda", "/dev/sda", 2}, task::Device{"/dev/fuse", "/dev/fuse", 7}}) {
    const auto refused = Plan({asked});
    EXPECT_THAT(refused.status(),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("config.devices[0]: '")));
    EXPECT_EQ(GetReason(refused.status()), "DEVICE_NOT_ALLOWED");
  }
}

TEST_F(PlanDevicesTest, WhatCannotBeHadIsRefused) {
  EXPECT_EQ(GetReason(Plan({{"/dev/gone", "/dev/gone", 2}}).status()), "DEVICE_UNAVAILABLE");
  facts_.device_filter = node::DeviceFilter::kNone;
  const auto refused = Plan({{"/dev/fuse", "/dev/fuse", 2}});
  EXPECT_THAT(refused.status(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("BPF")));
  EXPECT_EQ(GetReason(refused.status()), "DEVICE_UNAVAILABLE");
}

}  // namespace
}  // namespace cloister::plan
