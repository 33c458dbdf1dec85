#include "libs/plan/plan_hardening.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using internal::LaunchPlan;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Hardening : public testing::Test {
 protected:
  absl::StatusOr<LaunchPlan> Try(const std::string& config) {
    return MakeLaunchPlan(ExampleSpec(absl::StrCat("config { command: '/bin/true' ", config, " }")),
                          ExampleNobody(), facts_, policy_);
  }
  LaunchPlan Plan(const std::string& config) {
    absl::StatusOr<LaunchPlan> plan = Try(config);
    EXPECT_THAT(plan, IsOk());
    return plan.ok() ? *plan : LaunchPlan();
  }
  static uint64_t Access(const LaunchPlan& plan, const std::string& inside) {
    for (const auto& rule : plan.landlock().rules()) {
      if (rule.inside() == inside) return rule.access();
    }
    return 0;
  }

  node::NodeFacts facts_ = ExampleFacts(node::CgroupLayout::kV2);
  node::NodePolicy policy_ = node::DefaultNodePolicy();
};

TEST_F(Hardening, AllOfItIsUpByDefault) {
  facts_.landlock_abi = 7;
  const LaunchPlan plan = Plan("");
  EXPECT_TRUE(plan.no_new_privs());
  EXPECT_EQ(plan.seccomp(), LaunchPlan::SECCOMP_PROGRAM);
  EXPECT_EQ(plan.seccomp_filter().profile(), "default");
  EXPECT_FALSE(plan.seccomp_filter().host_pids());
  EXPECT_EQ(plan.landlock().abi(), 7u);
  EXPECT_EQ(plan.landlock().scoped(), 3u);
  EXPECT_EQ(plan.landlock().handled_access(), 0xffffu);
  EXPECT_THAT(plan.landlock().gaps(), IsEmpty());
}

TEST_F(Hardening, FilesAreWrittenOnlyWhereTheTasksOwnMountsAre) {
  facts_.landlock_abi = 6;
  const LaunchPlan plan = Plan("");
  EXPECT_EQ(Access(plan, "/"), uint64_t{LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                                        LANDLOCK_ACCESS_FS_READ_DIR});
  for (const char* inside : {"/local", "/tmp", "/alloc", "/secrets", "/dev/shm", "/dev/mqueue"}) {
    const uint64_t access = Access(plan, inside);
    EXPECT_TRUE((access & LANDLOCK_ACCESS_FS_REFER) != 0) << inside;
    EXPECT_TRUE((access & LANDLOCK_ACCESS_FS_MAKE_REG) != 0) << inside;
    EXPECT_FALSE((access & LANDLOCK_ACCESS_FS_MAKE_BLOCK) != 0) << inside;
    EXPECT_FALSE((access & 1 << 15) != 0) << inside;
  }
  EXPECT_TRUE((Access(plan, "/dev") & 1 << 15) != 0) << "ioctl";
  EXPECT_FALSE((Access(plan, "/dev") & LANDLOCK_ACCESS_FS_MAKE_REG) != 0);
}

TEST_F(Hardening, AnOlderKernelsLandlockIsUsedAsFarAsItGoesAndSaysSo) {
  facts_.landlock_abi = 2;
  const LaunchPlan plan = Plan("");
  EXPECT_EQ(plan.landlock().handled_access(), 0x3fffu);
  EXPECT_EQ(plan.landlock().scoped(), 0u);
  EXPECT_THAT(plan.landlock().gaps(), ElementsAre(HasSubstr("has version 2, it takes 6")));
  for (int abi : {0, 1}) {
    facts_.landlock_abi = abi;
    EXPECT_EQ(Plan("").landlock().handled_access(), 0u);
    EXPECT_THAT(Plan("").landlock().gaps(), ElementsAre(HasSubstr("kernel has none")));
  }
}

TEST_F(Hardening, ATaskThatMayMountIsNotConfinedInWhatItMounts) {
  facts_.landlock_abi = 6;
  policy_.allow_caps.all = true;
  const LaunchPlan plan = Plan("cap_add: 'sys_admin'");
  EXPECT_EQ(plan.landlock().handled_access(), 0u);
  EXPECT_THAT(plan.landlock().rules(), IsEmpty());
  EXPECT_EQ(plan.landlock().scoped(), 3u);
  EXPECT_THAT(plan.landlock().gaps(), ElementsAre(HasSubstr("sys_admin")));
  EXPECT_TRUE((plan.seccomp_filter().capabilities() >> CAP_SYS_ADMIN & 1) != 0);
  EXPECT_NE(plan.seccomp_filter().hash(), Plan("").seccomp_filter().hash());
}

TEST_F(Hardening, WithTheNodesPidsAnotherProfileApplies) {
  policy_.allow_host_pid_mode = true;
  const LaunchPlan plan = Plan("pid_mode: 'host'");
  EXPECT_TRUE(plan.seccomp_filter().host_pids());
  EXPECT_NE(plan.seccomp_filter().hash(), Plan("").seccomp_filter().hash());
}

TEST_F(Hardening, NothingIsSwitchedOffByTheTaskAlone) {
  const std::pair<const char*, const char*> switches[] = {
      {"seccomp: 'unconfined'", "SECCOMP_REQUIRED"},
      {"landlock: false", "LANDLOCK_REQUIRED"},
      {"no_new_privs: false", "NO_NEW_PRIVS_REQUIRED"},
      {"masked_paths: false", "MASKED_PATHS_REQUIRED"}};
  for (const auto& [config, reason] : switches) {
    const absl::Status status = Try(config).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("policy has no")));
    EXPECT_EQ(GetReason(status), reason);
  }
}

TEST_F(Hardening, NorByThePolicyAlone) {
  const LaunchPlan before = Plan("");
  policy_.allow_unconfined_seccomp = true;
  policy_.allow_without_landlock = true;
  policy_.allow_new_privs = true;
  policy_.allow_unmasked_paths = true;
  EXPECT_EQ(Plan("").SerializeAsString(), before.SerializeAsString());
  EXPECT_EQ(Plan("seccomp: 'default' landlock: true no_new_privs: true masked_paths: true")
                .SerializeAsString(),
            before.SerializeAsString());
}

TEST_F(Hardening, BothTogetherSwitchEachOff) {
  facts_.landlock_abi = 6;
  policy_.allow_unconfined_seccomp = true;
  policy_.allow_without_landlock = true;
  policy_.allow_new_privs = true;
  policy_.allow_unmasked_paths = true;
  EXPECT_EQ(Plan("seccomp: 'unconfined'").seccomp(), LaunchPlan::SECCOMP_UNSPECIFIED);
  EXPECT_FALSE(Plan("seccomp: 'unconfined'").has_seccomp_filter());
  EXPECT_EQ(Plan("landlock: false").landlock().scoped(), 0u);
  EXPECT_THAT(Plan("landlock: false").landlock().gaps(), Contains(HasSubstr("switches it off")));
  EXPECT_FALSE(Plan("no_new_privs: false").no_new_privs());
  const LaunchPlan unmasked = Plan("masked_paths: false");
  EXPECT_THAT(unmasked.root().masked_sys_directories(), IsEmpty());
  bool locked = false;
  for (const internal::Mask& mask : unmasked.masks()) {
    EXPECT_EQ(mask.kind(), internal::Mask::KIND_READ_ONLY) << mask.inside();
    locked = locked || mask.inside() == "/proc/sys";
  }
  EXPECT_TRUE(locked);
}

}  // namespace
}  // namespace cloister::plan
