#include "libs/node/recent_users.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/fake_clock.h"
#include "libs/base/status_matchers.h"

namespace cloister::node {
namespace {

task::UserField Named(const std::string& name) {
  task::UserField field;
  field.name = name;
  return field;
}

class RecentUsersTest : public ::testing::Test {
 protected:
  uint32_t UidOf(const task::UserField& field) {
    const absl::StatusOr<task::ResolvedUser> user = users_.LookUp(field);
    EXPECT_THAT(user, IsOk());
    return user.ok() ? user->uid : 0;
  }

  FakeClock clock_;
  int asked_ = 0;
  absl::Status error_;
  // Each answer has a uid of its own.
  RecentUsers users_{[this](const task::UserField&) -> absl::StatusOr<task::ResolvedUser> {
                       ++asked_;
                       if (!error_.ok()) return error_;
                       task::ResolvedUser user;
                       user.uid = static_cast<uint32_t>(asked_);
                       return user;
                     },
                     &clock_};
};

TEST_F(RecentUsersTest, AnAnswerCountsForASecond) {
  EXPECT_EQ(UidOf(Named("nobody")), 1u);
  clock_.Advance(RecentUsers::kFresh - absl::Nanoseconds(1));
  EXPECT_EQ(UidOf(Named("nobody")), 1u);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(UidOf(Named("nobody")), 2u);
}

TEST_F(RecentUsersTest, TheKindsOfAUserAreApart) {
  task::UserField uid;
  uid.kind = task::UserField::Kind::kUid;
  uid.uid = 1000;
  task::UserField chosen = uid;
  chosen.kind = task::UserField::Kind::kUidGid;
  EXPECT_EQ(UidOf(Named("nobody")), 1u);
  EXPECT_EQ(UidOf(Named("daemon")), 2u);
  EXPECT_EQ(UidOf(uid), 3u);
  EXPECT_EQ(UidOf(chosen), 4u);
  chosen.gid = 1;
  EXPECT_EQ(UidOf(chosen), 5u);
}

TEST_F(RecentUsersTest, AnErrorIsAskedAboutAgain) {
  error_ = absl::InvalidArgumentError("unknown user x");
  EXPECT_THAT(users_.LookUp(Named("x")), StatusIs(absl::StatusCode::kInvalidArgument));
  error_ = absl::OkStatus();
  EXPECT_EQ(UidOf(Named("x")), 2u);
}

TEST_F(RecentUsersTest, RemembersABoundedNumber) {
  for (size_t i = 0; i <= RecentUsers::kMost; ++i) UidOf(Named(absl::StrCat("u", i)));
  const int before = asked_;
  UidOf(Named("u0"));
  EXPECT_EQ(asked_, before + 1);
}

}  // namespace
}  // namespace cloister::node
