#include "libs/plan/plan_rlimits.h"

#include <sys/resource.h>

#include <set>

#include "gtest/gtest.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

class PlanRlimitsTest : public testing::Test {
 protected:
  internal::Rlimit Get(uint32_t resource) {
    for (const internal::Rlimit& rlimit : PlanRlimits(facts_, policy_)) {
      if (rlimit.resource() == resource) return rlimit;
    }
    ADD_FAILURE() << "no limit " << resource;
    return internal::Rlimit();
  }
  node::NodeFacts facts_ = ExampleFacts(node::CgroupLayout::kV2);
  node::NodePolicy policy_ = node::DefaultNodePolicy();
};

TEST_F(PlanRlimitsTest, EveryLimitIsSetOnce) {
  std::set<uint32_t> seen;
  for (const internal::Rlimit& rlimit : PlanRlimits(facts_, policy_)) {
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

TEST_F(PlanRlimitsTest, NoneIsAboveWhatTheNodeCanSet) {
  facts_.hard_limits.fill(7);
  for (const internal::Rlimit& rlimit : PlanRlimits(facts_, policy_)) {
    EXPECT_LE(rlimit.hard(), 7u);
    EXPECT_LE(rlimit.soft(), 7u);
  }
}

TEST(RlimitName, IsThatOfTheManualPage) {
  EXPECT_EQ(RlimitName(RLIMIT_NOFILE), "NOFILE");
  EXPECT_EQ(RlimitName(RLIMIT_RTTIME), "RTTIME");
  EXPECT_EQ(RlimitName(99), "99");
}

}  // namespace
}  // namespace cloister::plan
