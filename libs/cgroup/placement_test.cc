#include "libs/cgroup/placement.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/status_matchers.h"

namespace cloister::cgroup {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

node::CgroupHierarchy V1(const std::string& directory, std::vector<std::string> controllers) {
  return {absl::StrCat("/sys/fs/cgroup/", directory), false, std::move(controllers), true, ""};
}

node::CgroupHierarchy V2(const std::string& mount_point, std::vector<std::string> controllers) {
  return {mount_point, true, std::move(controllers), true, "system.slice/x.service"};
}

node::CgroupFacts HostV1() {
  return {node::CgroupLayout::kV1,
          {V1("blkio", {"blkio"}), V1("cpu,cpuacct", {"cpu", "cpuacct"}), V1("memory", {"memory"}),
           V1("pids", {"pids"})},
          true};
}

node::CgroupFacts HostV2() {
  return {node::CgroupLayout::kV2,
          {V2("/sys/fs/cgroup", {"cpu", "cpuset", "io", "memory", "pids"})},
          true};
}

node::CgroupFacts HostHybrid() {
  return {node::CgroupLayout::kHybrid,
          {V1("cpu", {"cpu"}), V1("cpuacct", {"cpuacct"}), V1("memory", {"memory"}),
           V1("pids", {"pids"}), V2("/sys/fs/cgroup/unified", {})},
          true};
}

std::string Golden(const node::CgroupFacts& facts, const TaskLimits& limits = {}) {
  absl::StatusOr<internal::CgroupPlan> plan = PlaceTask(facts, "cloister.slice", limits);
  if (!plan.ok()) return plan.status().ToString();
  std::string text;
  google::protobuf::TextFormat::PrintToString(*plan, &text);
  return text;
}

TEST(PlaceTask, PutsALimitIntoEachV1HierarchyAndCountsCpuTimeWhereItIsMountedTogether) {
  EXPECT_EQ(Golden(HostV1()), R"(hierarchies {
  mount_point: "/sys/fs/cgroup/cpu,cpuacct"
  parent: "cloister.slice/share"
  controllers: "cpu"
  controllers: "cpuacct"
  limits {
    file: "cpu.shares"
    value: "100"
  }
}
hierarchies {
  mount_point: "/sys/fs/cgroup/memory"
  parent: "cloister.slice/share"
  controllers: "memory"
  limits {
    file: "memory.limit_in_bytes"
    value: "314572800"
  }
  limits {
    file: "memory.memsw.limit_in_bytes"
    value: "314572800"
  }
}
hierarchies {
  mount_point: "/sys/fs/cgroup/pids"
  parent: "cloister.slice/share"
  controllers: "pids"
  limits {
    file: "pids.max"
    value: "1024"
  }
}
)");
}

TEST(PlaceTask, PutsAllLimitsIntoTheOneV2Hierarchy) {
  EXPECT_EQ(Golden(HostV2(), {1024, uint64_t{64} << 20, 32}), R"(hierarchies {
  mount_point: "/sys/fs/cgroup"
  parent: "cloister.slice/share"
  unified: true
  controllers: "cpu"
  controllers: "memory"
  controllers: "pids"
  limits {
    file: "cpu.weight"
    value: "100"
  }
  limits {
    file: "memory.max"
    value: "67108864"
  }
  limits {
    file: "memory.swap.max"
    value: "0"
  }
  limits {
    file: "pids.max"
    value: "32"
  }
}
)");
}

TEST(PlaceTask, OnAHybridHostLimitsByV1AndHoldsTheTaskByV2) {
  EXPECT_EQ(Golden(HostHybrid(), {1, 1, 1}), R"(hierarchies {
  mount_point: "/sys/fs/cgroup/cpu"
  parent: "cloister.slice/share"
  controllers: "cpu"
  limits {
    file: "cpu.shares"
    value: "2"
  }
}
hierarchies {
  mount_point: "/sys/fs/cgroup/memory"
  parent: "cloister.slice/share"
  controllers: "memory"
  limits {
    file: "memory.limit_in_bytes"
    value: "1"
  }
  limits {
    file: "memory.memsw.limit_in_bytes"
    value: "1"
  }
}
hierarchies {
  mount_point: "/sys/fs/cgroup/pids"
  parent: "cloister.slice/share"
  controllers: "pids"
  limits {
    file: "pids.max"
    value: "1"
  }
}
hierarchies {
  mount_point: "/sys/fs/cgroup/unified"
  parent: "cloister.slice/share"
  unified: true
}
)");
}

TEST(PlaceTask, LeavesSwapAloneWhereItCannotBeLimited) {
  node::CgroupFacts v1 = HostV1();
  node::CgroupFacts v2 = HostV2();
  v1.swap_limit = false;
  v2.swap_limit = false;
  EXPECT_THAT(Golden(v1), ::testing::Not(HasSubstr("memsw")));
  EXPECT_THAT(Golden(v2), ::testing::Not(HasSubstr("swap")));
}

TEST(PlaceTask, GivesAnEmptyPlanForANodeWithoutCgroups) { EXPECT_EQ(Golden({}), ""); }

TEST(PlaceTask, TakesEachControllerWhereItIsOnAMixedHost) {
  node::CgroupFacts facts = {node::CgroupLayout::kHybrid,
                             {V1("cpu", {"cpu"}), V2("/sys/fs/cgroup/unified", {"memory", "pids"})},
                             false};
  absl::StatusOr<internal::CgroupPlan> plan = PlaceTask(facts, "a", {});
  ASSERT_THAT(plan, IsOk());
  ASSERT_EQ(plan->hierarchies_size(), 2);
  EXPECT_EQ(plan->hierarchies(0).limits(0).file(), "cpu.shares");
  EXPECT_EQ(plan->hierarchies(1).limits(0).file(), "memory.max");
  EXPECT_EQ(plan->hierarchies(1).limits(1).file(), "pids.max");
}

TEST(PlaceTask, CountsCpuTimeByV1WhereTheV2HierarchyCannotBeWritten) {
  node::CgroupFacts facts = HostHybrid();
  facts.hierarchies.back().writable = false;
  absl::StatusOr<internal::CgroupPlan> plan = PlaceTask(facts, "a", {});
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->hierarchies(plan->hierarchies_size() - 1).mount_point(),
            "/sys/fs/cgroup/cpuacct");
}

TEST(PlaceTask, KeepsTasksFromDevicesByV1WhereThereIsNoV2HierarchyForIt) {
  const auto places = [](node::CgroupFacts facts) {
    facts.hierarchies.insert(facts.hierarchies.begin(), V1("devices", {"devices"}));
    absl::StatusOr<internal::CgroupPlan> plan = PlaceTask(facts, "a", {});
    EXPECT_THAT(plan, IsOk());
    std::string all;
    for (const auto& hierarchy : plan->hierarchies()) all += hierarchy.mount_point() + " ";
    return all;
  };
  EXPECT_THAT(places(HostV1()), HasSubstr("/sys/fs/cgroup/devices "));
  EXPECT_THAT(places(HostHybrid()), Not(HasSubstr("devices")));
}

TEST(PlaceTask, SaysHowToEnableAControllerThatV2Lacks) {
  node::CgroupFacts facts = HostV2();
  facts.hierarchies[0].controllers = {"cpu", "pids"};
  EXPECT_THAT(PlaceTask(facts, "a", {}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("cgroup controller 'memory' is not available in "
                                       "/sys/fs/cgroup (cgroup v2)"),
                             HasSubstr("cgroup_enable=memory"), HasSubstr("--cgroups=none"))));
}

TEST(PlaceTask, SaysHowToMountAHierarchyThatV1Lacks) {
  node::CgroupFacts facts = HostHybrid();
  facts.hierarchies.erase(facts.hierarchies.begin() + 3);
  EXPECT_THAT(PlaceTask(facts, "a", {}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("cgroup controller 'pids' is not available"),
                             HasSubstr("mount -t cgroup -o pids"), HasSubstr("--cgroups=none"))));
}

TEST(PlaceTask, SaysWhichHierarchyIsReadOnly) {
  node::CgroupFacts facts = HostV1();
  facts.hierarchies[2].writable = false;
  EXPECT_THAT(PlaceTask(facts, "a", {}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("/sys/fs/cgroup/memory (cgroup v1) is read-only"),
                             HasSubstr("--cgroups=none"))));
}

TEST(PlaceTask, RefusesLimitsOutOfRange) {
  for (const TaskLimits& limits :
       {TaskLimits{0, 1, 1}, TaskLimits{262145, 1, 1}, TaskLimits{1, 0, 1}, TaskLimits{1, 1, 0},
        TaskLimits{1, 1, 4194305}}) {
    EXPECT_THAT(PlaceTask(HostV2(), "a", limits), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST(CheckParent, TakesPlainPaths) {
  EXPECT_THAT(CheckParent("cloister.slice"), IsOk());
  EXPECT_THAT(CheckParent("system.slice/cloister@1.service"), IsOk());
  EXPECT_THAT(CheckParent("user.slice/dev\\x2dsda.scope"), IsOk());
}

TEST(CheckParent, RefusesWhatCouldLeadElsewhereOrIsTheKernels) {
  for (const std::string& parent :
       {std::string(""), std::string("/a"), std::string("a/"), std::string("a//b"),
        std::string("a/../b"), std::string("."), std::string("a b"), std::string("a\nb"),
        std::string("a\0b", 3), std::string("cgroup.procs"), std::string(256, 'a')}) {
    EXPECT_THAT(CheckParent(parent), StatusIs(absl::StatusCode::kInvalidArgument)) << parent;
  }
}

TEST(WeightOfShares, KeepsDefaultsAndProportion) {
  EXPECT_EQ(WeightOfShares(1024), 100u);
  EXPECT_EQ(WeightOfShares(2048), 200u);
  EXPECT_EQ(WeightOfShares(100), 10u);
  EXPECT_EQ(WeightOfShares(1000), 98u);
}

TEST(WeightOfShares, StaysWithinWhatTheKernelTakes) {
  for (int64_t shares = 1; shares <= 262144; ++shares) {
    const uint64_t weight = WeightOfShares(shares);
    ASSERT_GE(weight, 1u) << shares;
    ASSERT_LE(weight, 10000u) << shares;
    ASSERT_GE(weight, WeightOfShares(shares - 1)) << shares;
  }
}

}  // namespace
}  // namespace cloister::cgroup
