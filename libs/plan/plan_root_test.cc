#include "libs/plan/plan_root.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PlanRoot, ShowsWhatTheNodeHasOfThePolicysEntries) {
  const auto root = PlanRoot({}, ExampleFacts(node::CgroupLayout::kV2), node::DefaultNodePolicy(),
                             {"/sys/firmware"});
  ASSERT_THAT(root, IsOk());
  std::vector<std::string> binds;
  for (const auto& bind : root->binds()) binds.push_back(bind.inside());
  EXPECT_THAT(binds, ElementsAre("/etc", "/run/systemd/resolve", "/usr"));
  EXPECT_EQ(root->links_size(), 4);
  EXPECT_THAT(root->masked_sys_directories(), ElementsAre("/sys/firmware"));
}

TEST(PlanRoot, KeepsOurDirectoriesOutOfSight) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.private_directories = {"/usr/local/cloister"};
  EXPECT_THAT(PlanRoot({}, ExampleFacts(node::CgroupLayout::kV2), policy, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("/usr/local/cloister")));
}

TEST(PlanRoot, IsNarrowedToTheEntriesThatATaskNames) {
  const auto root = PlanRoot({"/bin", "/usr"}, ExampleFacts(node::CgroupLayout::kV2),
                             node::DefaultNodePolicy(), {});
  ASSERT_THAT(root, IsOk());
  ASSERT_EQ(root->binds_size(), 1);
  EXPECT_EQ(root->binds(0).inside(), "/usr");
  ASSERT_EQ(root->links_size(), 1);
  EXPECT_EQ(root->links(0).inside(), "/bin");
}

TEST(PlanRoot, WhatIsNoEntryOfThePolicyIsAViolation) {
  const auto root = PlanRoot({"/usr", "/home", "/usr/bin"}, ExampleFacts(node::CgroupLayout::kV2),
                             node::DefaultNodePolicy(), {});
  const std::vector<FieldViolation> violations = GetFieldViolations(root.status());
  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[0].field, "config.chroot_env[1]");
  EXPECT_THAT(violations[0].description, HasSubstr("'/home' is none of this node's"));
  EXPECT_EQ(violations[1].field, "config.chroot_env[2]");
}

TEST(PlanRoot, IsMadeWithoutPivotRootWhereThePolicySaysSo) {
  node::NodePolicy policy = node::DefaultNodePolicy();
  policy.no_pivot_root = true;
  EXPECT_TRUE(PlanRoot({}, ExampleFacts(node::CgroupLayout::kV2), policy, {})->no_pivot_root());
}

}  // namespace
}  // namespace cloister::plan
