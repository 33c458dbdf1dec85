#include "libs/plan/plan_cgroup.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using node::CgroupLayout;
using ::testing::Contains;
using ::testing::ElementsAre;

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

std::vector<std::string> MemoryWrites(const char* resources, CgroupLayout layout,
                                      uint64_t ceiling = 0) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.max_memory_bytes = ceiling;
  const auto cgroup =
      PlanCgroup(ExampleSpec(absl::StrCat("config { command: 'x' } resources { ", resources, " }")),
                 ExampleFacts(layout), policy);
  EXPECT_THAT(cgroup, IsOk());
  std::vector<std::string> writes;
  for (const std::string& write : Writes(*cgroup)) {
    if (absl::StartsWith(write, "memory.")) writes.push_back(write);
  }
  return writes;
}

TEST(PlanCgroup, MemoryMaxIsTheLimitAndMemoryWhatIsSpared) {
  EXPECT_THAT(MemoryWrites("memory: 10 memory_max: 30", CgroupLayout::kV2),
              ElementsAre("memory.max=31457280", "memory.swap.max=0", "memory.low=10485760"));
  EXPECT_THAT(MemoryWrites("memory: 10 memory_max: 30", CgroupLayout::kV1),
              ElementsAre("memory.limit_in_bytes=31457280", "memory.memsw.limit_in_bytes=31457280",
                          "memory.soft_limit_in_bytes=10485760"));
  EXPECT_THAT(MemoryWrites("memory: 10 memory_max: 10", CgroupLayout::kV2),
              ElementsAre("memory.max=10485760", "memory.swap.max=0"));
}

TEST(PlanCgroup, UnlimitedEndsAtTheNodesCeiling) {
  EXPECT_THAT(MemoryWrites("memory: 10 memory_max: -1", CgroupLayout::kV2),
              ElementsAre("memory.max=max", "memory.swap.max=0", "memory.low=10485760"));
  EXPECT_THAT(MemoryWrites("memory: 10 memory_max: -1", CgroupLayout::kV1),
              ElementsAre("memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1",
                          "memory.soft_limit_in_bytes=10485760"));
  EXPECT_THAT(MemoryWrites("memory: 10 memory_max: -1", CgroupLayout::kV2, 20 << 20),
              ElementsAre("memory.max=20971520", "memory.swap.max=0", "memory.low=10485760"));
}

TEST(PlanCgroup, ABadParentIsRefused) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.cgroup_parent = "../system.slice";
  EXPECT_THAT(PlanCgroup(ExampleSpec(kTask), ExampleFacts(CgroupLayout::kV2), policy),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cloister::plan
