#include "libs/plan/plan_without_root.h"

#include <sched.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = node::UserNamespace::Kind;

class PlanWithoutRoot : public testing::Test {
 protected:
  absl::Status Check(Kind kind, const std::string& config,
                     const task::ResolvedUser& user = ExampleAlice()) {
    // A second `config` would be no text proto.
    std::string text = config;
    const size_t place = text.find("config {");
    if (place == std::string::npos) {
      text += " config { command: 'x' }";
    } else {
      text.insert(place + sizeof("config {") - 1, " command: 'x'");
    }
    return CheckWithoutRoot(ExampleSpec(text), user, false, ExampleFactsWithoutRoot(kind));
  }
  std::string Reason(Kind kind, const std::string& config) {
    return GetReason(Check(kind, config));
  }

  static task::ResolvedUser User(uint32_t uid, uint32_t gid) {
    task::ResolvedUser user;
    user.name = "x";
    user.uid = uid;
    user.gid = gid;
    return user;
  }
};

TEST_F(PlanWithoutRoot, RootsNodeRefusesNothingHere) {
  EXPECT_THAT(CheckWithoutRoot(ExampleSpec("config { command: 'x' cap_add: 'kill' }"),
                               ExampleNobody(), false, ExampleFacts(node::CgroupLayout::kV2)),
              IsOk());
  EXPECT_THAT(UnavailableWithoutRoot(ExampleFacts(node::CgroupLayout::kV2)), IsEmpty());
}

TEST_F(PlanWithoutRoot, OneIdIsTheCallersAndNoOther) {
  EXPECT_THAT(Check(Kind::kOneId, ""), IsOk());
  for (const task::ResolvedUser& user :
       {ExampleNobody(), User(0, 0), User(1000, 0), User(1001, 1000)}) {
    const absl::Status status = Check(Kind::kOneId, "", user);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("'alice'")));
    EXPECT_EQ(GetReason(status), "USER_NOT_MAPPED");
  }
}

TEST_F(PlanWithoutRoot, ARangeHasAllUsersInItButItsFirst) {
  EXPECT_THAT(Check(Kind::kRange, "", ExampleNobody()), IsOk());
  EXPECT_THAT(Check(Kind::kRange, "", User(65536, 65536)), IsOk());
  for (const task::ResolvedUser& user : {User(0, 1), User(65537, 1), User(1, 65537)}) {
    EXPECT_EQ(GetReason(Check(Kind::kRange, "", user)), "USER_NOT_MAPPED") << user.uid;
  }
  task::ResolvedUser in_groups = User(1, 1);
  in_groups.groups = {5, 70000};
  EXPECT_THAT(Check(Kind::kRange, "", in_groups),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("gid 70000")));
}

TEST_F(PlanWithoutRoot, LimitsThatWereAskedForAreRefusedAndDefaultsAreNot) {
  EXPECT_THAT(Check(Kind::kOneId, "resources { memory: 64 pids: 5 }"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("resources.memory, resources.pids are asked for")));
  for (const char* limit : {"cpu: 1", "memory: 300", "memory_max: -1", "pids: 1024"}) {
    EXPECT_EQ(Reason(Kind::kRange, std::string("resources { ") + limit + " }"),
              "CGROUPS_UNAVAILABLE")
        << limit;
  }
  EXPECT_THAT(Check(Kind::kOneId, "resources { secrets: 2 }"), IsOk());
}

TEST_F(PlanWithoutRoot, WhatIsTheNodesNeedsRoot) {
  EXPECT_EQ(Reason(Kind::kOneId, "config { pid_mode: 'host' }"), "NEEDS_ROOT");
  EXPECT_EQ(Reason(Kind::kRange, "config { pid_mode: 'host' }"), "NEEDS_ROOT");
  EXPECT_EQ(Reason(Kind::kRange,
                   "volumes { name: 'd' } volume_mounts { volume: 'd' destination: '/d' "
                   "propagation_mode: 'bidirectional' }"),
            "NEEDS_ROOT");
}

TEST_F(PlanWithoutRoot, OomScoreIsNotBelowTheExecutors) {
  node::NodeFacts facts = ExampleFactsWithoutRoot(Kind::kOneId);
  facts.user_namespace.oom_score_adj = 200;
  const auto check = [&](const std::string& config) {
    return GetReason(CheckWithoutRoot(ExampleSpec("config { command: 'x' " + config + " }"),
                                      ExampleAlice(), false, facts));
  };
  EXPECT_EQ(check("oom_score_adj: 100"), "NEEDS_ROOT");
  EXPECT_EQ(check("oom_score_adj: 300"), "");
  internal::LaunchPlan plan;
  AdaptToUserNamespace(facts, &plan);
  EXPECT_EQ(plan.oom_score_adj(), 200);
}

TEST_F(PlanWithoutRoot, CapabilitiesAreThoseOverItsOwnIdsWhereItHasMoreThanOne) {
  EXPECT_EQ(Reason(Kind::kOneId, "config { cap_add: 'chown' }"), "NEEDS_ROOT");
  EXPECT_EQ(Reason(Kind::kOneId, "config { cap_add: 'all' }"), "NEEDS_ROOT");
  EXPECT_THAT(Check(Kind::kRange, "config { cap_add: 'chown' }"), IsOk());
  for (const char* name : {"net_admin", "net_bind_service", "sys_admin", "mknod", "sys_time"}) {
    EXPECT_EQ(Reason(Kind::kRange, std::string("config { cap_add: '") + name + "' }"), "NEEDS_ROOT")
        << name;
  }
}

TEST_F(PlanWithoutRoot, HarmlessCapabilitiesOfTheDefaultAreLeftAndTheOthersAreNot) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.limit_by_cgroups = false;
  policy.ambient_default_caps = true;
  const auto plan = MakeLaunchPlan(ExampleSpec("config { command: 'x' }"), ExampleNobody(),
                                   ExampleFactsWithoutRoot(Kind::kRange), policy);
  ASSERT_THAT(plan, IsOk());
  const uint64_t network = uint64_t{1} << 10 | uint64_t{1} << 13;
  EXPECT_EQ(plan->capabilities().bounding() & network, 0u);
  EXPECT_EQ(plan->capabilities().effective() & network, 0u);
  EXPECT_NE(plan->capabilities().effective(), 0u);
}

}  // namespace
}  // namespace cloister::plan
