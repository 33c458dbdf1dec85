#include "libs/task/user_field.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::task {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(UserField, EmptyIsNobody) {
  const auto field = ParseUserField("");
  ASSERT_THAT(field, IsOk());
  EXPECT_EQ(field->kind, UserField::Kind::kName);
  EXPECT_EQ(field->name, "nobody");
}

TEST(UserField, NamesAreTaken) {
  const std::string long_name(256, 'a');
  for (const std::string& name : {std::string("root"), std::string("_apt"), std::string("www-data"),
                                  std::string("A.b_c-9"), std::string("host$"), long_name}) {
    const auto field = ParseUserField(name);
    ASSERT_THAT(field, IsOk()) << name;
    EXPECT_EQ(field->kind, UserField::Kind::kName) << name;
    EXPECT_EQ(field->name, name);
    EXPECT_EQ(field->ToString(), name);
  }
}

TEST(UserField, ANumberIsAUidAndNeverAName) {
  const auto field = ParseUserField("1000");
  ASSERT_THAT(field, IsOk());
  EXPECT_EQ(field->kind, UserField::Kind::kUid);
  EXPECT_EQ(field->uid, 1000u);
  EXPECT_EQ(field->name, "");
  EXPECT_EQ(field->ToString(), "1000");
}

TEST(UserField, UidAndGid) {
  const auto field = ParseUserField("1000:100");
  ASSERT_THAT(field, IsOk());
  EXPECT_EQ(field->kind, UserField::Kind::kUidGid);
  EXPECT_EQ(field->uid, 1000u);
  EXPECT_EQ(field->gid, 100u);
  EXPECT_EQ(field->ToString(), "1000:100");
}

TEST(UserField, TheWholeRangeIsTaken) {
  EXPECT_EQ(ParseUserField("4294967294:4294967294")->gid, 4294967294u);
  EXPECT_EQ(ParseUserField("0")->uid, 0u);
  EXPECT_EQ(ParseUserField("0:0")->gid, 0u);
}

TEST(UserField, WhatIsNeitherIsRefused) {
  for (const char* text : {"+0",
                           "-1",
                           "+1000",
                           "1000:",
                           "0:",
                           ":0",
                           ":",
                           "1000:abc",
                           "abc:1000",
                           "abc:def",
                           "1000:100:1",
                           "1000::100",
                           " 1000",
                           "1000 ",
                           "1000: 100",
                           "1000 :100",
                           "1000:+1",
                           "1000:-1",
                           "0x10",
                           "010",
                           "00",
                           "1000:00",
                           "1e3",
                           "1000abc",
                           "4294967295",
                           "1000:4294967295",
                           "4294967296",
                           "99999999999999999999",
                           "1000:18446744073709551616",
                           "$",
                           "$a",
                           "a$b",
                           "-a",
                           ".a",
                           "a b",
                           "a/b",
                           "../a",
                           "a\n",
                           "nobody:nogroup",
                           "\xd0\xb0"}) {
    EXPECT_THAT(ParseUserField(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
  EXPECT_THAT(ParseUserField(std::string(257, 'a')), Not(IsOk()));
  EXPECT_THAT(ParseUserField(absl::string_view("a\0b", 3)), Not(IsOk()));
  EXPECT_THAT(ParseUserField(absl::string_view("1\0", 2)), Not(IsOk()));
}

TEST(UserField, ARefusalSaysWhichNumberAndKeepsStrangeTextHarmless) {
  EXPECT_THAT(ParseUserField("5:x"), StatusIs(absl::StatusCode::kInvalidArgument,
                                              "gid 'x' is not a number from 0 to 4294967294"));
  EXPECT_THAT(ParseUserField("a\x1b[31m"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'a\\x1b[31m'")));
}

}  // namespace
}  // namespace cloister::task
