#include "libs/plan/plan_root.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PlanRoot, ShowsWhatTheNodeHasOfThePolicysEntries) {
  const auto root =
      PlanRoot(ExampleFacts(node::CgroupLayout::kV2), node::DefaultNodePolicy(), {"/sys/firmware"});
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
  EXPECT_THAT(PlanRoot(ExampleFacts(node::CgroupLayout::kV2), policy, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("/usr/local/cloister")));
}

}  // namespace
}  // namespace cloister::plan
