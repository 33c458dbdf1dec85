#include "libs/base/nearest_word.h"

#include "gtest/gtest.h"

namespace cloister {
namespace {

TEST(NearestWord, IsTheOneWithFewestEdits) {
  EXPECT_EQ(NearestWord("attr.kernl.name", {"attr.kernel.name", "attr.kernel.arch"}),
            "attr.kernel.name");
  EXPECT_EQ(NearestWord("memroy", {"cpu", "memory"}), "memory");
}

TEST(NearestWord, IsNoneWhenNothingIsNear) {
  EXPECT_EQ(NearestWord("zebra", {"memory", "cpu"}), "");
  EXPECT_EQ(NearestWord("", {"a", "ab"}), "");
  EXPECT_EQ(NearestWord("memory", {}), "");
}

TEST(NearestWord, OfALongWordIsNotLookedFor) {
  const std::string word(65, 'a');
  EXPECT_EQ(NearestWord(word, {word}), "");
}

TEST(NearestWord, AsAQuestionIsPutBehindASentence) {
  EXPECT_EQ(DidYouMean("memroy", {"memory"}), " (did you mean 'memory'?)");
  EXPECT_EQ(DidYouMean("zebra", {"memory"}), "");
}

}  // namespace
}  // namespace cloister
