#include "libs/plan/plan_capabilities.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using capability::CapabilitySet;
using ::testing::ElementsAre;

constexpr uint32_t kNobody = 65534;
constexpr uint64_t kThirteen = 0xa80405fb;

class PlanCapabilitiesTest : public testing::Test {
 protected:
  absl::StatusOr<internal::Capabilities> Plan(const std::string& config) {
    return PlanCapabilities(ExampleSpec("config { command: 'x' " + config + " }"), kNobody, facts_,
                            policy_);
  }
  node::NodeFacts facts_ = ExampleFacts(node::CgroupLayout::kV2);
  node::NodePolicy policy_ = node::DefaultNodePolicy();
};

TEST_F(PlanCapabilitiesTest, ATaskThatAsksForNoneHoldsNone) {
  const auto sets = Plan("");
  ASSERT_THAT(sets, IsOk());
  EXPECT_EQ(sets->bounding(), kThirteen);
  EXPECT_EQ(sets->permitted(), 0u);
  EXPECT_EQ(sets->effective(), 0u);
  EXPECT_EQ(sets->inheritable(), 0u);
  EXPECT_EQ(sets->ambient(), 0u);
}

TEST_F(PlanCapabilitiesTest, WhatIsAddedIsHeldInAllFourSets) {
  const auto sets = Plan("cap_add: 'kill' cap_drop: 'all'");
  ASSERT_THAT(sets, IsOk());
  for (uint64_t set : {sets->bounding(), sets->permitted(), sets->effective(), sets->inheritable(),
                       sets->ambient()}) {
    EXPECT_EQ(set, 1u << 5);
  }
}

TEST_F(PlanCapabilitiesTest, AllIsWhatTheKernelSupports) {
  policy_.allow_caps.all = true;
  facts_.capabilities = CapabilitySet::UpTo(37);
  const auto sets = Plan("cap_add: 'all'");
  ASSERT_THAT(sets, IsOk());
  EXPECT_EQ(sets->bounding(), 0x3fffffffffu);
  EXPECT_EQ(sets->effective(), 0x3fffffffffu);
}

TEST_F(PlanCapabilitiesTest, WhatTheKernelLacksCannotBeAddedButIsDroppedAnyway) {
  policy_.allow_caps.all = true;
  facts_.capabilities = CapabilitySet::UpTo(37);
  EXPECT_THAT(GetFieldViolations(Plan("cap_add: ['bpf', 'chown', 'perfmon']").status()),
              ElementsAre(FieldViolation{"config.cap_add",
                                         "not supported by this node's kernel: bpf, perfmon"}));
  EXPECT_THAT(Plan("cap_drop: 'bpf'"), IsOk());
}

TEST_F(PlanCapabilitiesTest, AmbientDefaultsAreFiveEqualSets) {
  policy_.ambient_default_caps = true;
  const auto sets = Plan("cap_drop: 'chown'");
  ASSERT_THAT(sets, IsOk());
  for (uint64_t set : {sets->bounding(), sets->permitted(), sets->effective(), sets->inheritable(),
                       sets->ambient()}) {
    EXPECT_EQ(set, 0xa80405fau);
  }
}

TEST_F(PlanCapabilitiesTest, AnAllowListThatIsSmallerShrinksTheDefaults) {
  policy_.allow_caps.named = {0, 13, 25};
  EXPECT_EQ(Plan("")->bounding(), 1u);
}

}  // namespace
}  // namespace cloister::plan
