#include "libs/plan/plan_ids.h"

#include <linux/capability.h>
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

using node::CgroupLayout;
using Kind = node::UserNamespace::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class PlanIds : public testing::Test {
 protected:
  PlanIds() : facts_(ExampleFacts(CgroupLayout::kV2)), policy_(node::DefaultNodePolicy()) {}

  absl::StatusOr<internal::LaunchPlan> Plan(const std::string& more,
                                            const task::ResolvedUser& user = ExampleNobody()) {
    return MakeLaunchPlan(ExampleSpec("config { command: 'x' " + more + " }"), user, facts_,
                          policy_);
  }
  internal::LaunchPlan Private(const std::string& more,
                               const task::ResolvedUser& user = ExampleNobody()) {
    const auto plan = Plan("userns: 'private' " + more, user);
    EXPECT_THAT(plan, IsOk());
    return plan.ok() ? *plan : internal::LaunchPlan();
  }
  std::string ReasonOf(const std::string& more, const task::ResolvedUser& user = ExampleNobody()) {
    return GetReason(Plan(more, user).status());
  }
  void MakeRootless(uint32_t last) {
    facts_ = ExampleFactsWithoutRoot(last == 0 ? Kind::kOneId : Kind::kRange);
    facts_.user_namespace.last_uid = last;
    facts_.user_namespace.last_gid = last;
    policy_.limit_by_cgroups = false;
  }

  node::NodeFacts facts_;
  node::NodePolicy policy_;
};

TEST_F(PlanIds, ATaskThatDoesNotAskHasNone) {
  const auto plan = Plan("");
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(plan->identity().has_user_namespace());
  EXPECT_FALSE(NeedsIds(*plan));
}

TEST_F(PlanIds, WhoAsksWaitsForARange) {
  internal::LaunchPlan plan = Private("");
  EXPECT_TRUE(NeedsIds(plan));
  EXPECT_EQ(plan.identity().user_namespace().count(), 65536u);
  EXPECT_NE(plan.namespaces() & CLONE_NEWUSER, 0u);
  AssignIds(1000000, &plan);
  EXPECT_FALSE(NeedsIds(plan));
  EXPECT_EQ(plan.identity().user_namespace().outside_uid(), 1065534u);
  EXPECT_EQ(plan.identity().user_namespace().outside_gid(), 1065534u);
}

TEST_F(PlanIds, ThePolicysDefaultIsForWhoDoesNotSay) {
  policy_.default_userns = node::NamespaceMode::kPrivate;
  EXPECT_TRUE(NeedsIds(*Plan("")));
  EXPECT_EQ(ReasonOf("userns: 'host'"), "USERNS_REQUIRED");
  policy_.allow_host_userns = true;
  EXPECT_FALSE(NeedsIds(*Plan("userns: 'host'")));
}

TEST_F(PlanIds, RootIsRefusedWithoutThemAndHoldsOnlyWhatIsOfUseWithThem) {
  EXPECT_EQ(ReasonOf("", ExampleRoot()), "USER_NOT_ALLOWED");
  const internal::LaunchPlan plan = Private("", ExampleRoot());
  const uint64_t held = plan.capabilities().effective();
  EXPECT_NE(held >> CAP_DAC_OVERRIDE & 1, 0u);
  for (int useless : {CAP_MKNOD, CAP_NET_RAW, CAP_NET_BIND_SERVICE, CAP_SYS_ADMIN}) {
    EXPECT_EQ(held >> useless & 1, 0u) << useless;
    EXPECT_EQ(plan.capabilities().bounding() >> useless & 1, 0u) << useless;
  }
}

TEST_F(PlanIds, ACapabilityOverWhatIsTheNodesIsRefusedByName) {
  policy_.allow_caps.named = capability::CapabilitySet{CAP_SYS_ADMIN, CAP_CHOWN};
  const absl::Status refused = Plan("userns: 'private' cap_add: 'sys_admin'").status();
  EXPECT_EQ(GetReason(refused), "CAPABILITY_WITHOUT_USE");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("sys_admin"));
  EXPECT_EQ(Private("cap_add: 'chown'").capabilities().effective(), uint64_t{1} << CAP_CHOWN);
}

TEST_F(PlanIds, InVolumesATaskIsNeverMoreThanItWouldBeWithoutThem) {
  EXPECT_TRUE(Private("").identity().user_namespace().all_volume_ids());
  const auto chown = Private("cap_add: 'chown'").identity().user_namespace();
  EXPECT_FALSE(chown.all_volume_ids());
  EXPECT_THAT(chown.volume_uids(), ElementsAre(65534));
  EXPECT_THAT(chown.volume_gids(), ElementsAre(65534));
  const auto root = Private("", ExampleRoot()).identity().user_namespace();
  EXPECT_FALSE(root.all_volume_ids());
  EXPECT_THAT(root.volume_uids(), IsEmpty());
  EXPECT_THAT(root.volume_gids(), IsEmpty());
  policy_.allow_uid_0 = true;
  EXPECT_THAT(Private("", ExampleRoot()).identity().user_namespace().volume_uids(), ElementsAre(0));
}

TEST_F(PlanIds, WhoIsBeyondTheRangeIsRefused) {
  policy_.userns_ids_per_task = 1000;
  EXPECT_EQ(ReasonOf("userns: 'private'"), "USER_NOT_MAPPED");
  EXPECT_THAT(Plan("userns: 'private'", ExampleRoot()), IsOk());
}

TEST_F(PlanIds, WithoutRootItTakesARangeThatIsWideEnough) {
  MakeRootless(0);
  EXPECT_EQ(ReasonOf("userns: 'private'", ExampleAlice()), "NEEDS_ROOT");
  MakeRootless(65536);
  EXPECT_EQ(ReasonOf("userns: 'private'"), "NEEDS_ROOT");
  MakeRootless(131071);
  EXPECT_TRUE(NeedsIds(Private("")));
  EXPECT_TRUE(NeedsIds(Private("", ExampleRoot())));
}

// Their ids cannot be mapped, so that nothing may be written with any.
TEST_F(PlanIds, WithoutRootDirectoriesOfTheNodeAreReadOnlyAndTheirIdsAsTheyAre) {
  MakeRootless(131071);
  const std::string bind = "mounts { type: 'bind' source: '/srv/a' destination: '/a' ";
  policy_.allowed_mount_sources = {"/srv"};
  const absl::Status refused = Plan("userns: 'private' " + bind + "}").status();
  EXPECT_EQ(GetReason(refused), "NEEDS_ROOT");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("bind of '/srv/a': a directory of the "));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("cannot map the ids"));
  const internal::LaunchPlan plan = Private(bind + "read_only: true }");
  int binds = 0;
  for (const internal::Mount& mount : plan.mounts()) {
    const bool is_bind = mount.kind() == internal::Mount::KIND_HOST_DIRECTORY;
    EXPECT_EQ(mount.unmapped_ids(), is_bind) << mount.inside();
    binds += is_bind;
  }
  EXPECT_EQ(binds, 1);
  EXPECT_FALSE(plan.identity().user_namespace().all_volume_ids());
}

TEST_F(PlanIds, WithoutRootAVolumeIsReadOnlyByThePolicyOrByTheTask) {
  MakeRootless(131071);
  facts_.volume_sources = {
      {"/srv/data", node::HostPath::Kind::kDirectory, false, "/srv/data", 2049, 131}};
  policy_.host_volumes = {{"data", "/srv/data", false, node::VolumePropagation::kPrivate}};
  const auto reason = [&](bool read_only) {
    const auto spec = ExampleSpec(absl::StrCat(
        "config { command: 'x' userns: 'private' } volumes { name: 'data' } volume_mounts { "
        "volume: 'data' destination: '/d' read_only: ",
        read_only ? "true" : "false", " }"));
    return GetReason(MakeLaunchPlan(spec, ExampleNobody(), facts_, policy_).status());
  };
  EXPECT_EQ(reason(false), "NEEDS_ROOT");
  EXPECT_EQ(reason(true), "");
  policy_.host_volumes[0].read_only = true;
  EXPECT_EQ(reason(false), "");
}

TEST_F(PlanIds, ADefaultThatCannotBeHadIsSaid) {
  MakeRootless(65536);
  policy_.default_userns = node::NamespaceMode::kPrivate;
  const auto plan = Plan("");
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(NeedsIds(*plan));
  EXPECT_THAT(plan->unavailable(), testing::Contains(StartsWith("no ids of its own")));
  EXPECT_THAT(OwnIdsUnavailable(facts_, policy_), HasSubstr("65536 ids beyond"));
}

}  // namespace
}  // namespace cloister::plan
