#include "libs/hcl/parser.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kDepth = 100;

struct Parsed {
  std::shared_ptr<const BodySyntax> body;
  std::string errors;
};

Parsed Parse(absl::string_view text) {
  Diagnostics diagnostics;
  auto body = ParseBody({text}, kDepth, diagnostics);
  return {std::move(body), TextOf(diagnostics)};
}

TEST(Parser, BlocksHaveLabelsWithAndWithoutQuotes) {
  const Parsed parsed = Parse("a b \"c d\" {\n  e = 1\n  f {}\n}\n");
  EXPECT_THAT(parsed.errors, IsEmpty());
  ASSERT_EQ(parsed.body->blocks.size(), 1u);
  const BlockSyntax& block = parsed.body->blocks[0];
  EXPECT_EQ(block.type, "a");
  EXPECT_THAT(block.labels, testing::ElementsAre("b", "c d"));
  EXPECT_EQ(block.body->attributes[0].name, "e");
  EXPECT_EQ(block.body->blocks[0].type, "f");
}

TEST(Parser, ABlockOnOneLineHasOneArgument) {
  EXPECT_THAT(Parse("a { b = 1 }\nc {}\n").errors, IsEmpty());
  EXPECT_THAT(Parse("a { b = 1 c = 2 }\n").errors, HasSubstr("one argument"));
  EXPECT_THAT(Parse("a { b { } }\n").errors, HasSubstr("line of its own"));
}

TEST(Parser, TheLastLineNeedsNoEnd) {
  EXPECT_THAT(Parse("a = 1").errors, IsEmpty());
  EXPECT_THAT(Parse("a {\n}").errors, IsEmpty());
  EXPECT_THAT(Parse("").errors, IsEmpty());
}

TEST(Parser, PositionsAreThoseOfTheFile) {
  const Parsed parsed = Parse("a {\n  bc = 12\n}\n");
  const AttributeSyntax& attribute = parsed.body->blocks[0].body->attributes[0];
  EXPECT_EQ(attribute.name_range.start, (SourcePosition{6, 2, 3}));
  EXPECT_EQ(attribute.range.end, (SourcePosition{13, 2, 10}));
}

TEST(Parser, SaysEverythingThatIsWrongAtOnce) {
  const Parsed parsed = Parse(
      "a = \n"
      "b = [1, 2\n"
      "c = 3\n"
      "d: 4\n"
      "\"e\" = 5\n"
      "f {\n"
      "  g = )\n"
      "  h = 6\n"
      "}\n"
      "i = 7\n");
  EXPECT_THAT(parsed.errors, HasSubstr("1:5: Missing expression"));
  EXPECT_THAT(parsed.errors, HasSubstr("3:1: Missing item separator"));
  EXPECT_THAT(parsed.errors, HasSubstr("4:2: Invalid argument definition"));
  EXPECT_THAT(parsed.errors, HasSubstr("5:1: Invalid argument name"));
  EXPECT_THAT(parsed.errors, HasSubstr("7:7: Invalid expression"));
  EXPECT_EQ(std::count(parsed.errors.begin(), parsed.errors.end(), '\n'), 5) << parsed.errors;
  EXPECT_EQ(parsed.body->attributes.back().name, "i");
  EXPECT_EQ(parsed.body->blocks[0].body->attributes[0].name, "h");
}

TEST(Parser, AnArgumentIsSetOnce) {
  EXPECT_THAT(Parse("a = 1\nb = 2\na = 3\n").errors,
              HasSubstr("3:1: Attribute redefined: The argument \"a\" was already set on line 1."));
}

TEST(Parser, AnOpenBlockIsSaidWhereItBegins) {
  EXPECT_THAT(Parse("a {\n  b {\n  }\n").errors, HasSubstr("1:3: Unclosed configuration block"));
  EXPECT_THAT(Parse("a {\n  b {\n  }").errors, HasSubstr("1:3: Unclosed configuration block"));
  EXPECT_THAT(Parse("}\na = 1\n").errors, HasSubstr("1:1: Argument or block definition required"));
}

TEST(Parser, EachItemHasALineOfItsOwn) {
  EXPECT_THAT(Parse("a = 1 b = 2\n").errors, HasSubstr("Missing newline after argument"));
  EXPECT_THAT(Parse("a {\n} b = 2\n").errors, HasSubstr("Missing newline after block"));
}

TEST(Parser, NestingIsBounded) {
  for (const char* open : {"(", "[", "{a=", "!", "-", "f(", "\"${", "a[*][", "true ? 1 : "}) {
    std::string text = "x = ";
    for (int i = 0; i < 20000; ++i) text += open;
    EXPECT_THAT(Parse(text).errors, HasSubstr("Nested too deep")) << open;
  }
  std::string blocks;
  for (int i = 0; i < 20000; ++i) blocks += "a {\n";
  EXPECT_THAT(Parse(blocks).errors, HasSubstr("Nested too deep"));
  std::string directives = "x = <<E\n";
  for (int i = 0; i < 20000; ++i) directives += "%{if true}";
  EXPECT_THAT(Parse(directives + "\nE\n").errors, HasSubstr("Nested too deep"));
}

TEST(Parser, WhatIsLongButNotNestedIsParsed) {
  std::string text = "x = 1";
  for (int i = 0; i < 20000; ++i) text += " + 1";
  EXPECT_THAT(Parse(text).errors, IsEmpty());
  text = "x = a";
  for (int i = 0; i < 20000; ++i) text += ".b";
  EXPECT_THAT(Parse(text).errors, IsEmpty());
}

TEST(Parser, UnbalancedBracketsTakeNoQuadraticTime) {
  EXPECT_THAT(Parse("x = 1 " + std::string(200000, '[') + std::string(200000, ')')).errors,
              HasSubstr("Nested too deep"));
}

TEST(Parser, ASingleExpressionIsTheWholeText) {
  Diagnostics diagnostics;
  EXPECT_NE(ParseSingleExpression({"[1,\n2]\n"}, kDepth, diagnostics), nullptr);
  EXPECT_EQ(ParseSingleExpression({"1 2"}, kDepth, diagnostics), nullptr);
  EXPECT_EQ(ParseSingleExpression({""}, kDepth, diagnostics), nullptr);
  EXPECT_EQ(diagnostics.ErrorCount(), 2u);
}

}  // namespace
}  // namespace cloister::hcl
