#include "libs/plan/plan_rlimits.h"

#include <sys/resource.h>

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using ::testing::ElementsAre;

class PlanRlimitsTest : public testing::Test {
 protected:
  std::vector<internal::Rlimit> Plan() {
    const auto rlimits = PlanRlimits(asked_, facts_, policy_, cgroup_);
    EXPECT_THAT(rlimits, IsOk());
    return rlimits.ok() ? *rlimits : std::vector<internal::Rlimit>();
  }
  internal::Rlimit Get(uint32_t resource) {
    for (const internal::Rlimit& rlimit : Plan()) {
      if (rlimit.resource() == resource) return rlimit;
    }
    ADD_FAILURE() << "no limit " << resource;
    return internal::Rlimit();
  }
  std::vector<task::Rlimit> asked_;
  node::NodeFacts facts_ = ExampleFacts(node::CgroupLayout::kV2);
  node::NodePolicy policy_ = node::DefaultNodePolicy();
  internal::CgroupPlan cgroup_;
};

TEST_F(PlanRlimitsTest, EveryLimitIsSetOnce) {
  std::set<uint32_t> seen;
  for (const internal::Rlimit& rlimit : Plan()) {
    EXPECT_TRUE(seen.insert(rlimit.resource()).second);
    EXPECT_LE(rlimit.soft(), rlimit.hard()) << RlimitName(rlimit.resource());
    EXPECT_LE(rlimit.hard(), facts_.hard_limits[rlimit.resource()]);
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(RLIM_NLIMITS));
}

TEST_F(PlanRlimitsTest, ThereAreNoCoreDumps) {
  EXPECT_EQ(Get(RLIMIT_CORE).soft(), 0u);
  EXPECT_EQ(Get(RLIMIT_CORE).hard(), 0u);
}

TEST_F(PlanRlimitsTest, OpenFilesAreTheLeastOfNodeAndPolicy) {
  EXPECT_EQ(Get(RLIMIT_NOFILE).soft(), 1024u);
  EXPECT_EQ(Get(RLIMIT_NOFILE).hard(), 1048576u);
  facts_.hard_limits[RLIMIT_NOFILE] = RLIM_INFINITY;
  EXPECT_EQ(Get(RLIMIT_NOFILE).hard(), 1048576u);
  facts_.hard_limits[RLIMIT_NOFILE] = 4096;
  EXPECT_EQ(Get(RLIMIT_NOFILE).hard(), 4096u);
  policy_.max_open_files = 100;
  EXPECT_EQ(Get(RLIMIT_NOFILE).hard(), 100u);
  EXPECT_EQ(Get(RLIMIT_NOFILE).soft(), 100u);
}

TEST_F(PlanRlimitsTest, OpenFilesAreAShareOfTheMachinesWhereThoseAreFew) {
  facts_.max_open_files = 2466126;
  cgroup_.mutable_granted()->set_pids(16);
  EXPECT_EQ(Get(RLIMIT_NOFILE).soft(), 1024u);
  EXPECT_EQ(Get(RLIMIT_NOFILE).hard(), 77066u);
  asked_ = {{RLIMIT_NOFILE, 1024, 77066}};
  EXPECT_EQ(Get(RLIMIT_NOFILE).hard(), 77066u);
  asked_ = {{RLIMIT_NOFILE, 1024, 77067}};
  const auto refused = PlanRlimits(asked_, facts_, policy_, cgroup_);
  ASSERT_EQ(GetFieldViolations(refused.status()).size(), 1u);
  EXPECT_EQ(GetFieldViolations(refused.status())[0].description,
            "NOFILE 77067 is over this node's ceiling of 77066: half of this machine's 2466126 "
            "(fs.file-max) over 16 processes (resources.pids), as resources.memory has room for "
            "more");
  // What the policy allows is less: it says nothing of the machine.
  policy_.max_open_files = 4096;
  EXPECT_THAT(PlanRlimits(asked_, facts_, policy_, cgroup_).status().message(),
              testing::Not(testing::HasSubstr("fs.file-max")));
}

TEST_F(PlanRlimitsTest, NoneIsAboveWhatTheNodeCanSet) {
  facts_.hard_limits.fill(7);
  for (const internal::Rlimit& rlimit : Plan()) {
    EXPECT_LE(rlimit.hard(), 7u);
    EXPECT_LE(rlimit.soft(), 7u);
  }
}

TEST_F(PlanRlimitsTest, WhatIsAskedForIsSetWithinTheCeilings) {
  asked_ = {{RLIMIT_NOFILE, 2048, 4096}, {RLIMIT_CPU, 1, RLIM_INFINITY}, {RLIMIT_MEMLOCK, 0, 0}};
  EXPECT_EQ(Get(RLIMIT_NOFILE).soft(), 2048u);
  EXPECT_EQ(Get(RLIMIT_NOFILE).hard(), 4096u);
  EXPECT_EQ(Get(RLIMIT_CPU).soft(), 1u);
  EXPECT_EQ(Get(RLIMIT_MEMLOCK).hard(), 0u);
  EXPECT_EQ(Plan().size(), static_cast<size_t>(RLIM_NLIMITS));
}

TEST_F(PlanRlimitsTest, EverythingOverACeilingIsToldAtOnce) {
  asked_ = {{RLIMIT_CORE, 0, RLIM_INFINITY},
            {RLIMIT_NPROC, 1, 31000},
            {RLIMIT_NOFILE, 16, 1048577},
            {RLIMIT_NICE, 0, 1}};
  const auto refused = PlanRlimits(asked_, facts_, policy_, cgroup_);
  std::vector<std::string> told;
  for (const FieldViolation& violation : GetFieldViolations(refused.status())) {
    told.push_back(violation.field + ": " + violation.description);
  }
  EXPECT_THAT(
      told, ElementsAre("config.rlimits[0]: CORE unlimited is over this node's ceiling of 0",
                        "config.rlimits[2]: NOFILE 1048577 is over this node's ceiling of 1048576",
                        "config.rlimits[3]: NICE 1 is over this node's ceiling of 0"));
}

TEST_F(PlanRlimitsTest, APolicyRaisesCeilingsButNeverAboveTheNodes) {
  policy_.max_rlimits = {{RLIMIT_CORE, RLIM_INFINITY}, {RLIMIT_NICE, 40}, {RLIMIT_STACK, 4096}};
  asked_ = {{RLIMIT_CORE, 0, RLIM_INFINITY}};
  EXPECT_EQ(Get(RLIMIT_CORE).hard(), RLIM_INFINITY);
  EXPECT_EQ(Get(RLIMIT_NICE).hard(), 0u);
  EXPECT_EQ(Get(RLIMIT_STACK).hard(), 4096u);
  EXPECT_EQ(Get(RLIMIT_STACK).soft(), 4096u);
  asked_ = {{RLIMIT_NICE, 1, 1}};
  EXPECT_FALSE(PlanRlimits(asked_, facts_, policy_, cgroup_).ok());
}

TEST(RlimitName, IsThatOfTheManualPage) {
  EXPECT_EQ(RlimitName(RLIMIT_NOFILE), "NOFILE");
  EXPECT_EQ(RlimitName(RLIMIT_RTTIME), "RTTIME");
  EXPECT_EQ(RlimitName(99), "99");
}

}  // namespace
}  // namespace cloister::plan
