#include "libs/artifact/adopt_tree.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class AdoptTreeTest : public testing::Test {
 protected:
  AdoptTreeTest() {
    place_.MakeDirectory("tree");
    place_.Write("outside", "x");
    tree_ = place_.Open("tree");
  }

  std::string At(const std::string& path) const { return place_.path() + "/" + path; }

  ScratchDirectory place_;
  OwnedFd tree_;
  AdoptOptions options_;
};

TEST_F(AdoptTreeTest, ModesAreNormalised) {
  place_.Write("tree/suid", "abc", 06777);
  place_.Write("tree/closed/none", "de", 0);
  place_.Link("tree/closed/l", "../suid");
  place_.MakeDirectory("tree/closed", 01000);
  const auto facts = AdoptTree(tree_.get(), options_);
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->files, 2u);
  EXPECT_EQ(facts->directories, 1u);
  EXPECT_EQ(facts->links, 1u);
  EXPECT_EQ(facts->bytes, 5u);
  EXPECT_THAT(place_.List("tree"),
              ElementsAre(Pair("closed", "d500"), Pair("closed/l", "-> ../suid"),
                          Pair("closed/none", "f400 de"), Pair("suid", "f755 abc")));
}

TEST_F(AdoptTreeTest, ExtendedAttributesGo) {
  place_.Write("tree/f", "");
  if (setxattr(At("tree/f").c_str(), "user.x", "1", 1, 0) != 0)
    GTEST_SKIP() << "no extended attributes here";
  ASSERT_THAT(AdoptTree(tree_.get(), options_), IsOk());
  EXPECT_EQ(listxattr(At("tree/f").c_str(), nullptr, 0), 0);
}

TEST_F(AdoptTreeTest, LinksThatMayLeadOutAreRefused) {
  for (const char* target : {"/etc/passwd", "../outside", "d/../../outside"}) {
    place_.Link("tree/l", target);
    EXPECT_THAT(AdoptTree(tree_.get(), options_), StatusIs(kInvalid, HasSubstr("'l' is refused")))
        << target;
    ASSERT_EQ(unlink(At("tree/l").c_str()), 0);
  }
}

TEST_F(AdoptTreeTest, SpecialFilesAreRefused) {
  ASSERT_EQ(mkfifo(At("tree/fifo").c_str(), 0600), 0);
  EXPECT_THAT(AdoptTree(tree_.get(), options_), StatusIs(kInvalid, HasSubstr("'fifo'")));
}

TEST_F(AdoptTreeTest, AFileWithANameOutsideIsRefusedAndOneWithTwoInsideIsNot) {
  place_.Write("tree/a", "abc");
  ASSERT_EQ(link(At("tree/a").c_str(), At("tree/b").c_str()), 0);
  const auto facts = AdoptTree(tree_.get(), options_);
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->bytes, 3u);
  ASSERT_EQ(link(At("outside").c_str(), At("tree/c").c_str()), 0);
  EXPECT_THAT(AdoptTree(tree_.get(), options_), StatusIs(kInvalid, HasSubstr("'c' has a name")));
}

TEST_F(AdoptTreeTest, LimitsHoldToTheLastEntry) {
  place_.Write("tree/a/b", "");
  place_.Write("tree/c", "");
  options_.limits.entries = 3;
  EXPECT_THAT(AdoptTree(tree_.get(), options_), IsOk());
  options_.limits.entries = 2;
  EXPECT_THAT(AdoptTree(tree_.get(), options_),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 2 entries")));
  options_.limits.entries = 3;
  options_.limits.depth = 0;
  EXPECT_THAT(AdoptTree(tree_.get(), options_),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("levels deep")));
}

}  // namespace
}  // namespace cloister::artifact
