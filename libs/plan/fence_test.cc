#include "libs/plan/fence.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using node::CgroupLayout;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Fence FenceOf(absl::string_view config, CgroupLayout layout,
                  const node::NodePolicy& policy = node::DefaultNodePolicy()) {
  const auto plan =
      MakeLaunchPlan(ExampleSpec(config), ExampleNobody(), ExampleFacts(layout), policy);
  EXPECT_THAT(plan, IsOk());
  return MakeFence(plan.value_or(internal::LaunchPlan()));
}

constexpr char kTrue[] = "config { command: '/bin/true' }";

TEST(Fence, SaysWhatThePlanDoes) {
  const v1::Fence fence = FenceOf(kTrue, CgroupLayout::kV2);
  EXPECT_EQ(fence.uid(), 65534u);
  EXPECT_EQ(fence.gid(), 65534u);
  EXPECT_THAT(fence.groups(), IsEmpty());
  EXPECT_THAT(fence.namespaces(), ElementsAre("pid", "ipc", "mount", "uts", "cgroup"));
  EXPECT_THAT(fence.bounding_capabilities(), SizeIs(13));
  EXPECT_THAT(fence.effective_capabilities(), IsEmpty());
  EXPECT_TRUE(fence.no_new_privs());
  EXPECT_EQ(fence.memory_limit_bytes(), 300u << 20);
  EXPECT_EQ(fence.pids_limit(), 1024u);
  EXPECT_EQ(fence.cpu_weight_shares(), 100u);
  EXPECT_THAT(fence.read_only_paths(), ElementsAre("/etc", "/run/systemd/resolve", "/usr"));
  EXPECT_THAT(fence.writable_paths(), ElementsAre("/dev/shm", "/dev/mqueue", "/tmp", "/local",
                                                  "/alloc/data", "/alloc/tmp", "/secrets"));
}

TEST(Fence, SaysWhichWallsStandBehindTheRoot) {
  const v1::Fence fence = FenceOf(kTrue, CgroupLayout::kV2);
  EXPECT_EQ(fence.seccomp_profile(), "default");
  EXPECT_THAT(fence.seccomp_hash(), SizeIs(32));
  EXPECT_EQ(fence.landlock().abi(), 6u);
  EXPECT_TRUE(fence.landlock().files() && fence.landlock().signals() &&
              fence.landlock().abstract_sockets());
  EXPECT_THAT(fence.hidden_paths(), Contains("/sys/firmware"));
  EXPECT_THAT(fence.locked_paths(), Contains("/proc/sys"));
  EXPECT_THAT(fence.gaps(), IsEmpty());
}

TEST(Fence, SaysWhatIsSwitchedOff) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.allow_unconfined_seccomp = policy.allow_without_landlock = true;
  policy.allow_new_privs = policy.allow_unmasked_paths = true;
  const v1::Fence fence = FenceOf(
      "config { command: 'x' seccomp: 'unconfined' landlock: false no_new_privs: false "
      "masked_paths: false }",
      CgroupLayout::kV2, policy);
  EXPECT_EQ(fence.seccomp_profile(), "unconfined");
  EXPECT_FALSE(fence.landlock().files() || fence.landlock().signals());
  EXPECT_FALSE(fence.no_new_privs());
  EXPECT_THAT(fence.hidden_paths(), IsEmpty());
  EXPECT_THAT(fence.gaps(), SizeIs(4));
}

TEST(Fence, NamesWhatIsHeld) {
  EXPECT_THAT(FenceOf("config { command: 'x' cap_add: ['kill', 'chown'] }", CgroupLayout::kV2)
                  .effective_capabilities(),
              ElementsAre("chown", "kill"));
}

TEST(Fence, TellsWhichCgroupsLimit) {
  EXPECT_EQ(FenceOf(kTrue, CgroupLayout::kV1).cgroups(), "v1");
  EXPECT_EQ(FenceOf(kTrue, CgroupLayout::kV2).cgroups(), "v2");
  EXPECT_EQ(FenceOf(kTrue, CgroupLayout::kHybrid).cgroups(), "hybrid");
}

TEST(Fence, ClaimsNoLimitsWhereThereAreNone) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.limit_by_cgroups = false;
  const v1::Fence fence = FenceOf(kTrue, CgroupLayout::kV2, policy);
  EXPECT_EQ(fence.cgroups(), "none");
  EXPECT_EQ(fence.memory_limit_bytes(), 0u);
  EXPECT_EQ(fence.pids_limit(), 0u);
  EXPECT_EQ(fence.cpu_weight_shares(), 0u);
}

}  // namespace
}  // namespace cloister::plan
