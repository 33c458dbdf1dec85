#include "libs/task/version_text.h"

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::task {
namespace {

int Compare(absl::string_view a, absl::string_view b) {
  return CompareVersions(*ParseVersion(a), *ParseVersion(b));
}

absl::StatusOr<bool> Satisfies(absl::string_view version, absl::string_view bounds,
                               VersionRule rule = VersionRule::kVersion) {
  return SatisfiesVersions(*ParseVersion(version), bounds, rule);
}

TEST(Version, IsNumbersAndWhatMakesThemEarlier) {
  const auto version = ParseVersion(" v6.1.0-28-amd64+b1 ");
  ASSERT_TRUE(version.has_value());
  EXPECT_EQ(version->numbers, (std::vector<uint64_t>{6, 1, 0}));
  EXPECT_EQ(version->prerelease, "28-amd64");
}

TEST(Version, IsNothingElse) {
  for (const char* text : {"", "v", "a", "1.", ".1", "1..2", "1.x", "-1", "1-", "1-a b", "1.2 3",
                           "99999999999999999999"}) {
    EXPECT_FALSE(ParseVersion(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseVersion(std::string(300, '1')).has_value());
}

TEST(Version, IsOrderedAsSemverSays) {
  const char* const sorted[] = {
      "0.9",          "1.0.0-alpha",   "1.0.0-alpha.1", "1.0.0-alpha.beta",
      "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",    "1.0",
      "1.0.1",        "1.2",           "1.10"};
  for (size_t i = 0; i < std::size(sorted); ++i) {
    for (size_t j = 0; j < std::size(sorted); ++j) {
      EXPECT_EQ(Compare(sorted[i], sorted[j]) < 0, i < j) << sorted[i] << " " << sorted[j];
      EXPECT_EQ(Compare(sorted[i], sorted[j]) > 0, i > j) << sorted[i] << " " << sorted[j];
    }
  }
  EXPECT_EQ(Compare("1", "v1.0.0+build"), 0);
}

TEST(Version, SatisfiesEveryBoundOrNone) {
  EXPECT_THAT(Satisfies("1.5", ">= 1.2, < 2"), IsOkAndHolds(true));
  EXPECT_THAT(Satisfies("2.0", ">= 1.2, < 2"), IsOkAndHolds(false));
  EXPECT_THAT(Satisfies("1.2", "1.2.0"), IsOkAndHolds(true));
  EXPECT_THAT(Satisfies("1.2", "!= 1.2.0"), IsOkAndHolds(false));
  EXPECT_THAT(Satisfies("1.2.9", "~> 1.2.3"), IsOkAndHolds(true));
  EXPECT_THAT(Satisfies("1.3.0", "~> 1.2.3"), IsOkAndHolds(false));
  EXPECT_THAT(Satisfies("1.9", "~> 1.2"), IsOkAndHolds(true));
  EXPECT_THAT(Satisfies("1.2.2", "~> 1.2.3"), IsOkAndHolds(false));
}

TEST(Version, APrereleaseSatisfiesAnOrderByOneRuleOnly) {
  EXPECT_THAT(Satisfies("6.1.0-28-amd64", ">= 5.10"), IsOkAndHolds(false));
  EXPECT_THAT(Satisfies("6.1.0-28-amd64", ">= 5.10", VersionRule::kSemver), IsOkAndHolds(true));
  EXPECT_THAT(Satisfies("1.0.0-rc2", "> 1.0.0-rc1"), IsOkAndHolds(true));
  EXPECT_THAT(Satisfies("1.0.0", "> 1.0.0-rc1"), IsOkAndHolds(true));
}

TEST(Version, BoundsThatAreNoneAreRefused) {
  for (const char* bounds : {"", "x", ">=", "=> 1", ">= 1,", "~~> 1"}) {
    EXPECT_THAT(Satisfies("1", bounds), StatusIs(absl::StatusCode::kInvalidArgument)) << bounds;
  }
  EXPECT_THAT(Satisfies("1", "~> 1", VersionRule::kSemver),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cloister::task
