#include "libs/plan/plan_cgroup.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using node::CgroupLayout;
using ::testing::Contains;

constexpr char kTask[] = "config { command: 'x' } resources { cpu: 512 memory: 64 pids: 32 }";

std::vector<std::string> Writes(const internal::CgroupPlan& cgroup) {
  std::vector<std::string> writes;
  for (const auto& hierarchy : cgroup.hierarchies()) {
    EXPECT_EQ(hierarchy.parent(), "cloister.slice/share");
    for (const auto& write : hierarchy.limits()) {
      writes.push_back(absl::StrCat(write.file(), "=", write.value()));
    }
  }
  return writes;
}

TEST(PlanCgroup, WhatIsGrantedIsWhatIsWrittenOnEveryLayout) {
  for (CgroupLayout layout : {CgroupLayout::kV1, CgroupLayout::kV2, CgroupLayout::kHybrid}) {
    const auto cgroup =
        PlanCgroup(ExampleSpec(kTask), ExampleFacts(layout), node::DefaultNodePolicy());
    ASSERT_THAT(cgroup, IsOk());
    EXPECT_EQ(cgroup->granted().cpu_shares(), 512u);
    EXPECT_EQ(cgroup->granted().memory_bytes(), 64u << 20);
    EXPECT_EQ(cgroup->granted().pids(), 32u);
    const bool v2 = layout == CgroupLayout::kV2;
    const std::vector<std::string> writes = Writes(*cgroup);
    EXPECT_THAT(writes, Contains(v2 ? "cpu.weight=50" : "cpu.shares=512"));
    EXPECT_THAT(writes, Contains(v2 ? "memory.max=67108864" : "memory.limit_in_bytes=67108864"));
    EXPECT_THAT(writes, Contains("pids.max=32"));
  }
}

TEST(PlanCgroup, WithoutCgroupsNothingIsGrantedEvenWhereTheyAre) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.limit_by_cgroups = false;
  const auto cgroup = PlanCgroup(ExampleSpec(kTask), ExampleFacts(CgroupLayout::kV2), policy);
  ASSERT_THAT(cgroup, IsOk());
  EXPECT_EQ(cgroup->hierarchies_size(), 0);
  EXPECT_FALSE(cgroup->has_granted());
}

TEST(PlanCgroup, ABadParentIsRefused) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.cgroup_parent = "../system.slice";
  EXPECT_THAT(PlanCgroup(ExampleSpec(kTask), ExampleFacts(CgroupLayout::kV2), policy),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cloister::plan
