#include "libs/node/user_lookup.h"

#include <grp.h>
#include <pwd.h>

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"

namespace cloister::node {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::StatusOr<task::ResolvedUser> LookUp(const std::string& text) {
  const auto field = task::ParseUserField(text);
  EXPECT_THAT(field, IsOk());
  return LookUpUser(*field);
}

TEST(LookUpUser, RootIsFoundByNameAndByNumber) {
  for (const char* text : {"root", "0"}) {
    const auto user = LookUp(text);
    ASSERT_THAT(user, IsOk());
    EXPECT_EQ(user->name, "root");
    EXPECT_EQ(user->uid, 0u);
    EXPECT_EQ(user->gid, 0u);
    EXPECT_TRUE(user->gid_from_passwd);
  }
}

// Of every user of this machine, against a walk through the databases.
TEST(LookUpUser, EachUserHasItsOwnGroupAndGroups) {
  struct Entry {
    std::string name, home;
    uid_t uid;
    gid_t gid;
  };
  std::vector<Entry> users;
  setpwent();
  while (const struct passwd* entry = getpwent()) {
    users.push_back({entry->pw_name, entry->pw_dir, entry->pw_uid, entry->pw_gid});
  }
  endpwent();
  ASSERT_FALSE(users.empty());
  for (const Entry& entry : users) {
    std::set<uint32_t> groups;
    setgrent();
    while (const struct group* group = getgrent()) {
      for (char** member = group->gr_mem; *member != nullptr; ++member) {
        if (entry.name == *member) groups.insert(group->gr_gid);
      }
    }
    endgrent();
    groups.erase(entry.gid);
    const auto user = LookUp(entry.name);
    ASSERT_THAT(user, IsOk()) << entry.name;
    EXPECT_EQ(user->uid, entry.uid);
    EXPECT_EQ(user->gid, entry.gid);
    EXPECT_EQ(user->home, entry.home.empty() ? "/" : entry.home);
    EXPECT_EQ(user->groups, std::vector<uint32_t>(groups.begin(), groups.end())) << entry.name;
  }
}

TEST(LookUpUser, ANameThatIsUnknownIsAViolationOfTheField) {
  const auto user = LookUp("no-such-user");
  EXPECT_THAT(user, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(GetFieldViolations(user.status()),
              ElementsAre(FieldViolation{"user", "unknown user no-such-user"}));
}

TEST(LookUpUser, ALoneNumberThatIsUnknownNeedsItsGroup) {
  const auto user = LookUp("4000000000");
  EXPECT_THAT(GetFieldViolations(user.status()),
              ElementsAre(FieldViolation{"user",
                                         "uid 4000000000 has no passwd entry on this node: write "
                                         "\"4000000000:GID\""}));
}

TEST(LookUpUser, ChosenNumbersNeedNoEntryAndHaveNoGroups) {
  const auto user = LookUp("4000000000:4000000001");
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->name, "4000000000");
  EXPECT_EQ(user->uid, 4000000000u);
  EXPECT_EQ(user->gid, 4000000001u);
  EXPECT_EQ(user->home, "/");
  EXPECT_THAT(user->groups, IsEmpty());
  EXPECT_FALSE(user->gid_from_passwd);
}

TEST(LookUpUser, AChosenGroupIsToldFromTheUsersOwn) {
  const auto own = LookUp("0:0");
  ASSERT_THAT(own, IsOk());
  EXPECT_EQ(own->name, "root");
  EXPECT_TRUE(own->gid_from_passwd);
  EXPECT_THAT(own->groups, IsEmpty());
  EXPECT_FALSE(LookUp("0:42")->gid_from_passwd);
}

}  // namespace
}  // namespace cloister::node
