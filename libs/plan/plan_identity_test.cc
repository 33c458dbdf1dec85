#include "libs/plan/plan_identity.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const node::NodePolicy& Policy() {
  static const auto* const kPolicy = new node::NodePolicy(node::DefaultNodePolicy());
  return *kPolicy;
}

absl::StatusOr<internal::Identity> Plan(const std::string& asked, const task::ResolvedUser& user) {
  return PlanIdentity(*task::ParseUserField(asked), user, false, Policy());
}

TEST(PlanIdentity, TakesTheUserWithItsGroupsSortedAndWithoutItsOwn) {
  task::ResolvedUser user = ExampleNobody();
  user.groups = {30, 65534, 4, 30};
  const auto identity = Plan("nobody", user);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->uid(), 65534u);
  EXPECT_EQ(identity->gid(), 65534u);
  EXPECT_THAT(identity->groups(), ElementsAre(4u, 30u));
  EXPECT_EQ(identity->user_name(), "nobody");
  EXPECT_EQ(identity->home(), "/nonexistent");
}

TEST(PlanIdentity, RefusesADeniedUidHoweverItWasWritten) {
  task::ResolvedUser root;
  root.name = "root";
  for (const char* asked : {"root", "0", "0:1000"}) {
    EXPECT_THAT(Plan(asked, root),
                StatusIs(absl::StatusCode::kPermissionDenied,
                         "running as user 'root' (uid 0) is not allowed on this node"));
  }
}

// uid 65534 with gid 42 (shadow) would read /etc/shadow.
TEST(PlanIdentity, RefusesAChosenGroupOfTheSystem) {
  task::ResolvedUser user = ExampleNobody();
  user.gid_from_passwd = false;
  for (uint32_t gid : {0u, 42u, 999u}) {
    user.gid = gid;
    EXPECT_THAT(Plan("65534:42", user),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("a group below 1000")));
  }
  user.gid = 1000;
  EXPECT_THAT(Plan("65534:1000", user), IsOk());
}

TEST(PlanIdentity, TakesAGroupOfTheSystemThatPasswdGives) {
  task::ResolvedUser www;
  www.name = "www-data";
  www.uid = www.gid = 33;
  www.gid_from_passwd = true;
  EXPECT_THAT(Plan("www-data", www), IsOk());
  EXPECT_THAT(Plan("33", www), IsOk());
  EXPECT_THAT(Plan("33:33", www), IsOk());
}

TEST(PlanIdentity, RefusesDeniedRangesOfIds) {
  node::NodePolicy policy = Policy();
  task::ResolvedUser user = ExampleNobody();
  user.groups = {27, 100};
  const auto plan = [&] {
    return PlanIdentity(*task::ParseUserField("nobody"), user, false, policy);
  };
  policy.denied_host_gids = {{0, 26}, {28, 99}};
  EXPECT_THAT(plan(), IsOk());
  policy.denied_host_gids = {{20, 27}};
  EXPECT_THAT(plan(), StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("gid 27")));
  policy.denied_host_gids = {};
  policy.denied_host_uids = {{65000, 65534}};
  EXPECT_THAT(plan(), StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("uid 65534")));
}

TEST(PlanIdentity, UidZeroIsRefusedEvenWhereNothingIsDenied) {
  node::NodePolicy policy = Policy();
  policy.denied_uids = {};
  task::ResolvedUser root;
  root.name = "root";
  root.gid_from_passwd = true;
  const auto plan = [&] {
    return PlanIdentity(*task::ParseUserField("root"), root, false, policy);
  };
  EXPECT_THAT(plan(), StatusIs(absl::StatusCode::kPermissionDenied));
  policy.allow_uid_0 = true;
  EXPECT_THAT(plan(), IsOk());
}

TEST(PlanIdentity, AListOfUsersIsAllThereAre) {
  node::NodePolicy policy = Policy();
  policy.allowed_users = {"web", "1000:100"};
  EXPECT_THAT(PlanIdentity(*task::ParseUserField(""), ExampleNobody(), false, policy),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("'nobody'")));
  policy.allowed_users.push_back("nobody");
  EXPECT_THAT(PlanIdentity(*task::ParseUserField(""), ExampleNobody(), false, policy), IsOk());
}

}  // namespace
}  // namespace cloister::plan
