#include "libs/hcl/unicode.h"

#include "gtest/gtest.h"

namespace cloister::hcl {
namespace {

TEST(Unicode, ReadsBackWhatItWrites) {
  for (const uint32_t point :
       {0x24u, 0x7ffu, 0x800u, 0xd7ffu, 0xe000u, 0xffffu, 0x10000u, 0x10ffffu}) {
    std::string text;
    AppendUtf8(point, text);
    EXPECT_EQ(FirstCodePoint(text).value, point);
    EXPECT_EQ(FirstCodePoint(text).size, text.size());
    EXPECT_EQ(CountCodePoints(text), 1u);
  }
}

TEST(Unicode, FindsWhatIsNotUtf8) {
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3", "\xe2\x82", "\xff"}) {
    EXPECT_EQ(FindInvalidUtf8(std::string("ab") + bad), absl::optional<size_t>(2)) << bad;
  }
  EXPECT_EQ(FindInvalidUtf8("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"), absl::nullopt);
}

TEST(Unicode, ControlsAndWhatTurnsTextAroundAreUnsafe) {
  for (const uint32_t point : {0x1bu, 0x7fu, 0x9bu, 0x202eu, 0x2066u, 0x200bu, 0xfeffu}) {
    EXPECT_TRUE(IsUnsafeToShow(point)) << point;
    EXPECT_FALSE(IsNameStart(point)) << point;
  }
  EXPECT_FALSE(IsUnsafeToShow('a'));
  EXPECT_FALSE(IsUnsafeToShow(0xe4));
}

TEST(Unicode, LettersOfAnyScriptBeginNames) {
  EXPECT_TRUE(IsNameStart('_'));
  EXPECT_TRUE(IsNameStart(0xfc));
  EXPECT_TRUE(IsNameStart(0x4e2d));
  EXPECT_FALSE(IsNameStart('-'));
  EXPECT_FALSE(IsNameStart(0xa0));
  EXPECT_FALSE(IsNameStart(0x201c));
  EXPECT_TRUE(IsNameContinue('-'));
}

TEST(Unicode, ChangesCase) {
  EXPECT_EQ(ToUpper('a'), 'A');
  EXPECT_EQ(ToUpper(0xe4), 0xc4u);
  EXPECT_EQ(ToLower(0x416), 0x436u);
  EXPECT_EQ(ToUpper('1'), '1');
}

}  // namespace
}  // namespace cloister::hcl
