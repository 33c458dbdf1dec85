#include "libs/hcl/lexer.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::hcl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> TextsOf(absl::string_view text, bool is_template = false) {
  Diagnostics diagnostics;
  std::vector<std::string> texts;
  for (const Token& token :
       is_template ? LexTemplate({text}, diagnostics) : LexFile({text}, diagnostics)) {
    texts.emplace_back(token.text);
  }
  EXPECT_TRUE(diagnostics.kept().empty()) << diagnostics.kept()[0];
  return texts;
}

std::string ErrorOf(absl::string_view text) {
  Diagnostics diagnostics;
  LexFile({text}, diagnostics);
  return diagnostics.kept().empty()
             ? ""
             : absl::StrCat(diagnostics.kept()[0].summary, ": ", diagnostics.kept()[0].detail);
}

TEST(Lexer, NamesMayHaveDashesAndNumbersExponents) {
  EXPECT_THAT(TextsOf("ip-address 1.5e-3 1e2 7"),
              ElementsAre("ip-address", "1.5e-3", "1e2", "7", ""));
  EXPECT_THAT(TextsOf("a.0.b"), ElementsAre("a", ".", "0", ".", "b", ""));
  EXPECT_THAT(TextsOf("1..."), ElementsAre("1", "...", ""));
}

TEST(Lexer, CommentsAreNoTokens) {
  EXPECT_THAT(TextsOf("a # b\nc // d\n/* e\nf */ g"), ElementsAre("a", "\n", "c", "\n", "g", ""));
}

TEST(Lexer, BracesWithinAnInterpolationDoNotEndIt) {
  EXPECT_THAT(TextsOf("\"a${ {b = \"}\"} }c\""), ElementsAre("\"", "a", "${", "{", "b", "=", "\"",
                                                             "}", "\"", "}", "}", "c", "\"", ""));
}

TEST(Lexer, EscapesAndStripMarkers) {
  EXPECT_THAT(TextsOf("\"$${a %%{ ${~ b ~} $$ %\""),
              ElementsAre("\"", "$${", "a ", "%%{", " ", "${~", "b", "~}", " $$ %", "\"", ""));
}

TEST(Lexer, AHeredocEndsAtItsMarkerAlone) {
  EXPECT_THAT(TextsOf("<<-A\n x A\n  A\nb"), ElementsAre("<<-A\n", " x A\n", "A", "\n", "b", ""));
  EXPECT_THAT(TextsOf("<<A\r\nx\r\nA\r\n"), ElementsAre("<<A\r\n", "x\r\n", "A", "\r\n", ""));
}

TEST(Lexer, ColumnsCountCharacters) {
  Diagnostics diagnostics;
  const std::vector<Token> tokens = LexFile({"\xc3\xbc \xf0\x9f\x98\x80\nb"}, diagnostics);
  // The emoji is taken for a letter.
  EXPECT_EQ(tokens[1].range.start, (SourcePosition{3, 1, 3}));
  EXPECT_EQ(tokens[1].range.end, (SourcePosition{7, 1, 4}));
  EXPECT_EQ(tokens[3].range.start, (SourcePosition{8, 2, 1}));
}

TEST(Lexer, ABareTemplateHasNoQuotes) {
  EXPECT_THAT(TextsOf("a \"b\"\n${c}", true), ElementsAre("a \"b\"\n", "${", "c", "}", ""));
}

TEST(Lexer, SaysWhatIsNoToken) {
  EXPECT_THAT(ErrorOf("a = 'b'"), HasSubstr("Single quotes are not valid"));
  EXPECT_THAT(ErrorOf("a = 1;"), HasSubstr("newlines"));
  EXPECT_THAT(ErrorOf("a & b"), HasSubstr("\"&&\""));
  EXPECT_THAT(ErrorOf("a = \xe2\x80\x9c"), HasSubstr("plain double quotes"));
  EXPECT_THAT(ErrorOf("a \xe2\x80\xae"), HasSubstr("U+202E"));
  EXPECT_THAT(ErrorOf("a = <<\n"), HasSubstr("Invalid heredoc"));
}

TEST(Lexer, SaysWhatHasNoEnd) {
  EXPECT_THAT(ErrorOf("a = \"b"), HasSubstr("Unterminated string"));
  EXPECT_THAT(ErrorOf("a = \"b\nc"), HasSubstr("Invalid multi-line string"));
  EXPECT_THAT(ErrorOf("a = <<E\nb\n"), HasSubstr("\"E\""));
  EXPECT_THAT(ErrorOf("a = \"${b"), HasSubstr("Unterminated template sequence"));
  EXPECT_THAT(ErrorOf("/* a"), HasSubstr("Unterminated comment"));
}

}  // namespace
}  // namespace cloister::hcl
