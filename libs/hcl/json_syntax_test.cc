#include "libs/hcl/json_syntax.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(absl::string_view text) {
  Diagnostics diagnostics;
  return ParseJson(text, 100, diagnostics) == nullptr ? TextOf(diagnostics) : "";
}

TEST(JsonSyntax, KnowsThePlaceOfEachValue) {
  Diagnostics diagnostics;
  const auto node = ParseJson("{\n  \"a\": [1, \"b\"]\n}", 100, diagnostics);
  ASSERT_NE(node, nullptr);
  EXPECT_EQ(node->members[0].name.range.start, (SourcePosition{4, 2, 3}));
  EXPECT_EQ(node->members[0].value.elements[1].range.start, (SourcePosition{13, 2, 12}));
}

TEST(JsonSyntax, DecodesEscapesAndKnowsWhereTheyStood) {
  Diagnostics diagnostics;
  const auto node = ParseJson(R"("a\n\u00fc\ud83d\ude00b")", 100, diagnostics);
  ASSERT_NE(node, nullptr);
  EXPECT_EQ(node->text,
            "a\n\xc3\xbc\xf0\x9f\x98\x80"
            "b");
  ASSERT_EQ(node->positions.size(), node->text.size() + 1);
  EXPECT_EQ(node->positions[1].column, 3);
  EXPECT_EQ(node->positions[8].column, 23);
}

TEST(JsonSyntax, RepeatedNamesAreKeptInOrder) {
  Diagnostics diagnostics;
  const auto node = ParseJson(R"({"a": 1, "a": 2})", 100, diagnostics);
  ASSERT_NE(node, nullptr);
  EXPECT_EQ(node->members.size(), 2u);
}

TEST(JsonSyntax, SaysWhatIsNoJson) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("Missing value"));
  EXPECT_THAT(ErrorOf("{a: 1}"), HasSubstr("1:2: Invalid object property name"));
  EXPECT_THAT(ErrorOf("{\"a\" 1}"), HasSubstr("Missing property value colon"));
  EXPECT_THAT(ErrorOf("[1 2]"), HasSubstr("Missing item separator"));
  EXPECT_THAT(ErrorOf("[1,]"), HasSubstr("Invalid JSON value"));
  EXPECT_THAT(ErrorOf("{} x"), HasSubstr("Extraneous data"));
  EXPECT_THAT(ErrorOf("\"a\nb\""), HasSubstr("Invalid string"));
  EXPECT_THAT(ErrorOf("\"a"), HasSubstr("Unterminated string"));
  EXPECT_THAT(ErrorOf("nul"), HasSubstr("Invalid JSON value"));
  for (const char* bad : {"01", "1.", "-", "1e999", "+1", "1a"}) EXPECT_NE(ErrorOf(bad), "") << bad;
  for (const char* bad :
       {R"("\x")", R"("\ud800")", R"("\ud800\u0041")", R"("\u00")", R"("\u0000")"}) {
    EXPECT_THAT(ErrorOf(bad), HasSubstr("Invalid escape sequence")) << bad;
  }
}

TEST(JsonSyntax, NestingIsBounded) {
  EXPECT_THAT(ErrorOf(std::string(100000, '[')), HasSubstr("Nested too deep"));
  EXPECT_EQ(ErrorOf(std::string(100, '[') + std::string(100, ']')), "");
}

}  // namespace
}  // namespace cloister::hcl
