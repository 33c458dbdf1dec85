#include "libs/rpc/utf8_text.h"

#include <gtest/gtest.h>

#include <string>

namespace cloister::rpc {
namespace {

TEST(Utf8Text, ValidTextStaysAsItIs) {
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n\x7f";
  EXPECT_EQ(Utf8Text(text, 100), text);
  EXPECT_EQ(Utf8Text("", 100), "");
}

TEST(Utf8Text, EachInvalidByteBecomesAQuestionMark) {
  EXPECT_EQ(Utf8Text("a\xff"
                     "b",
                     100),
            "a?b");
  EXPECT_EQ(Utf8Text("\x80", 100), "?");                 // continuation alone
  EXPECT_EQ(Utf8Text("\xc0\xaf", 100), "??");            // overlong '/'
  EXPECT_EQ(Utf8Text("\xe0\x80\xaf", 100), "???");       // overlong, three bytes
  EXPECT_EQ(Utf8Text("\xf0\x80\x80\xaf", 100), "????");  // overlong, four bytes
  EXPECT_EQ(Utf8Text("\xed\xa0\x80", 100), "???");       // surrogate
  EXPECT_EQ(Utf8Text("\xf4\x90\x80\x80", 100), "????");  // above U+10FFFF
  EXPECT_EQ(Utf8Text("\xf5\x80\x80\x80", 100), "????");
  EXPECT_EQ(Utf8Text("\xe2\x82", 100), "??");  // cut off
  EXPECT_EQ(Utf8Text("\xe2\x82z", 100), "??z");
}

TEST(Utf8Text, LongTextIsCutWithDots) {
  EXPECT_EQ(Utf8Text("123456789", 9), "123456789");
  EXPECT_EQ(Utf8Text("123456789", 8), "12345...");
  EXPECT_EQ(Utf8Text("123456789", 3), "...");
}

TEST(Utf8Text, NoCharacterIsCutInTwo) {
  const std::string text = "1\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac";  // 1 and three euro signs
  EXPECT_EQ(Utf8Text(text, 10), text);
  EXPECT_EQ(Utf8Text(text, 9), "1\xe2\x82\xac...");
  EXPECT_EQ(Utf8Text(text, 7), "1\xe2\x82\xac...");
  EXPECT_EQ(Utf8Text(text, 6), "1...");
}

}  // namespace
}  // namespace cloister::rpc
