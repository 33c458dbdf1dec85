#include "libs/base/lexical_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloister {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CleanPath, DropsEmptyAndDotComponents) {
  EXPECT_EQ(CleanPath("/a//b/./c/"), "/a/b/c");
  EXPECT_EQ(CleanPath("//a"), "/a");
  EXPECT_EQ(CleanPath("a/./b"), "a/b");
  EXPECT_EQ(CleanPath("/"), "/");
  EXPECT_EQ(CleanPath(""), ".");
  EXPECT_EQ(CleanPath("./"), ".");
}

TEST(CleanPath, TakesBackDotDot) {
  EXPECT_EQ(CleanPath("/a/../b"), "/b");
  EXPECT_EQ(CleanPath("/a/b/../.."), "/");
  EXPECT_EQ(CleanPath("a/.."), ".");
}

TEST(CleanPath, StopsAtTheRoot) {
  EXPECT_EQ(CleanPath("/.."), "/");
  EXPECT_EQ(CleanPath("/../../etc"), "/etc");
}

TEST(CleanPath, KeepsWhatLeadsOutOfARelativePath) {
  EXPECT_EQ(CleanPath("../a"), "../a");
  EXPECT_EQ(CleanPath("a/../../b"), "../b");
  EXPECT_EQ(CleanPath("../../a/../.."), "../../..");
}

TEST(CleanPath, LeavesNamesThatOnlyLookLikeDots) {
  EXPECT_EQ(CleanPath("/.../..a/b.."), "/.../..a/b..");
}

TEST(SplitPath, GivesTheCleanComponents) {
  EXPECT_THAT(SplitPath("/a//b/../c/"), ElementsAre("a", "c"));
  EXPECT_THAT(SplitPath("../a"), ElementsAre("..", "a"));
  EXPECT_THAT(SplitPath("/"), IsEmpty());
  EXPECT_THAT(SplitPath("."), IsEmpty());
  EXPECT_THAT(SplitPath(""), IsEmpty());
}

TEST(JoinPath, PutsTheRestBeneath) {
  EXPECT_EQ(JoinPath("/srv", "a/b"), "/srv/a/b");
  EXPECT_EQ(JoinPath("/srv/", "/a"), "/srv/a");
  EXPECT_EQ(JoinPath("/", "a"), "/a");
  EXPECT_EQ(JoinPath("/srv", ""), "/srv");
  EXPECT_EQ(JoinPath("", "a"), "a");
  EXPECT_EQ(JoinPath("..", "a"), "../a");
}

TEST(JoinPath, NeverLeavesTheDirectory) {
  EXPECT_EQ(JoinPath("/srv", "../../etc/x"), "/srv/etc/x");
  EXPECT_EQ(JoinPath("/srv", "a/../../b"), "/srv/b");
  EXPECT_EQ(JoinPath("/srv", ".."), "/srv");
  EXPECT_EQ(JoinPath("a", "/../.."), "a");
}

TEST(IsBeneath, HoldsForTheDirectoryAndWhatLiesUnderIt) {
  EXPECT_TRUE(IsBeneath("/a", "/a"));
  EXPECT_TRUE(IsBeneath("/a/b/c", "/a"));
  EXPECT_TRUE(IsBeneath("/a//b/", "/a/./"));
  EXPECT_TRUE(IsBeneath("/a", "/"));
  EXPECT_TRUE(IsBeneath("a/b", "a"));
  EXPECT_TRUE(IsBeneath("a", "."));
}

TEST(IsBeneath, RefusesSiblingsParentsAndEscapes) {
  EXPECT_FALSE(IsBeneath("/ab", "/a"));
  EXPECT_FALSE(IsBeneath("/", "/a"));
  EXPECT_FALSE(IsBeneath("/a/../b", "/a"));
  EXPECT_FALSE(IsBeneath("/a/b/../../c", "/a"));
  EXPECT_FALSE(IsBeneath("..", "."));
  EXPECT_FALSE(IsBeneath("../a", ".."));
}

TEST(IsBeneath, ComparesNoAbsolutePathWithARelativeOne) {
  EXPECT_FALSE(IsBeneath("a", "/"));
  EXPECT_FALSE(IsBeneath("/a", "a"));
  EXPECT_FALSE(IsBeneath("/a", "."));
}

}  // namespace
}  // namespace cloister
