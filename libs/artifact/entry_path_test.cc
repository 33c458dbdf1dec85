#include "libs/artifact/entry_path.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;

TEST(EntryPath, DotsAndSlashesFallAway) {
  EXPECT_THAT(ParseEntryPath("./a//b/./c/", 0, {}), IsOkAndHolds(ElementsAre("a", "b", "c")));
  EXPECT_THAT(ParseEntryPath("./", 0, {}), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(ParseEntryPath("a\\..\\b", 0, {}), IsOkAndHolds(ElementsAre("a\\..\\b")));
  EXPECT_THAT(ParseEntryPath("...", 0, {}), IsOkAndHolds(ElementsAre("...")));
}

TEST(EntryPath, LeadingComponentsAreStripped) {
  EXPECT_THAT(ParseEntryPath("./top/a/b", 1, {}), IsOkAndHolds(ElementsAre("a", "b")));
  EXPECT_THAT(ParseEntryPath("top", 1, {}), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(ParseEntryPath("../a", 1, {}), StatusIs(kInvalid));
}

TEST(EntryPath, WhatLeavesOrCannotBeIsRefused) {
  EXPECT_THAT(ParseEntryPath("/etc/passwd", 0, {}), StatusIs(kInvalid, HasSubstr("absolute")));
  EXPECT_THAT(ParseEntryPath("a/../../b", 0, {}), StatusIs(kInvalid, HasSubstr("'..'")));
  EXPECT_THAT(ParseEntryPath("..", 0, {}), StatusIs(kInvalid, HasSubstr("'..'")));
  EXPECT_THAT(ParseEntryPath("", 0, {}), StatusIs(kInvalid, HasSubstr("no name")));
  EXPECT_THAT(ParseEntryPath(std::string("a\0b", 3), 0, {}), StatusIs(kInvalid, HasSubstr("NUL")));
  EXPECT_THAT(ParseEntryPath(std::string(256, 'x'), 0, {}), StatusIs(kInvalid, HasSubstr("255")));
}

TEST(EntryPath, LimitsHoldToTheLastOne) {
  UnpackLimits limits;
  limits.depth = 3;
  limits.path_length = 7;
  EXPECT_THAT(ParseEntryPath("a/b/c/", 0, limits), IsOk());
  EXPECT_THAT(ParseEntryPath("a/b/c/d", 1, limits),
              StatusIs(kExhausted, HasSubstr("limit depth of 3")));
  EXPECT_THAT(ParseEntryPath("1234567", 0, limits), IsOk());
  EXPECT_THAT(ParseEntryPath("12345678", 0, limits),
              StatusIs(kExhausted, HasSubstr("limit path_length of 7")));
}

TEST(LinkTarget, WhatStaysInsideIsKept) {
  for (const char* target : {"a", "./a/b", "../a", "../../b/c", "..", "a//b", "."})
    EXPECT_THAT(CheckLinkTarget(target, 2), IsOk()) << target;
}

TEST(LinkTarget, WhatMayLeaveIsRefused) {
  for (const char* target : {"", "/", "/etc", "../../..", "a/..", "../a/../b", ".././../../x"})
    EXPECT_THAT(CheckLinkTarget(target, 2), StatusIs(kInvalid)) << target;
}

}  // namespace
}  // namespace cloister::artifact
