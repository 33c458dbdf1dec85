#include "libs/hcl/diagnostic.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SourceRange On(int line, int first, int last, size_t byte = 0) {
  return {{byte, line, first}, {byte + last - first, line, last}};
}

std::string Rendered(absl::string_view text, const SourceRange& range,
                     absl::string_view detail = "D.") {
  const Source source("web.hcl", std::string(text));
  return RenderDiagnostic({Severity::kError, "Summary", std::string(detail), range}, source);
}

TEST(Diagnostic, ShowsThePlaceAsACompilerDoes) {
  EXPECT_EQ(Rendered("a\n  comand = 1\n", On(2, 3, 9)),
            "Error: Summary\n"
            "  on web.hcl line 2, column 3:\n"
            "    2 |   comand = 1\n"
            "      |   ^^^^^^\n"
            "  D.\n");
}

TEST(Diagnostic, TabsKeepTheCaretBeneathItsPlace) {
  EXPECT_THAT(Rendered("\tx = 1\n", On(1, 2, 3)), HasSubstr("    1 |     x = 1\n      |     ^\n"));
}

TEST(Diagnostic, APlaceWithoutWidthOrAtTheEndIsOneCaret) {
  EXPECT_THAT(Rendered("abc\n", On(1, 2, 2)), HasSubstr("| abc\n      |  ^\n"));
  EXPECT_THAT(Rendered("abc\n", On(1, 4, 4)), HasSubstr("| abc\n      |    ^\n"));
  EXPECT_THAT(Rendered("", On(1, 1, 1)), HasSubstr("| \n      | ^\n"));
}

TEST(Diagnostic, LongLinesAreClippedAroundThePlace) {
  const std::string text = std::string(5000, 'a') + "B" + std::string(5000, 'c');
  const std::string rendered = Rendered(text, On(1, 5001, 5002));
  EXPECT_LT(rendered.size(), 500u);
  EXPECT_THAT(rendered, HasSubstr("...a"));
  EXPECT_THAT(rendered, HasSubstr("aBc"));
  EXPECT_THAT(rendered, HasSubstr("c...\n"));
}

TEST(Diagnostic, AFileWritesNoControlBytesToTheTerminal) {
  const std::string rendered =
      Rendered("x = \x1b[31m\x07 \xc2\x9b \xe2\x80\xae \xff\n", On(1, 1, 2), "\x1b]0;title\x07");
  for (const char* bad : {"\x1b", "\x07", "\xc2\x9b", "\xe2\x80\xae", "\xff"}) {
    EXPECT_THAT(rendered, Not(HasSubstr(bad)));
  }
  EXPECT_THAT(rendered, HasSubstr("\\x1b[31m"));
  EXPECT_THAT(rendered, HasSubstr("\\u{202e}"));
}

TEST(Diagnostic, WithoutAPlaceShowsNoLine) {
  const Source source("web.hcl", "a\n");
  EXPECT_EQ(RenderDiagnostic({Severity::kWarning, "S", "D.", absl::nullopt}, source),
            "Warning: S\n  D.\n");
}

TEST(Diagnostics, KeepSomeAndCountTheRest) {
  Diagnostics diagnostics(2);
  for (int i = 0; i < 5; ++i) diagnostics.AddError("S", "", absl::nullopt);
  EXPECT_EQ(diagnostics.kept().size(), 2u);
  EXPECT_EQ(diagnostics.omitted(), 3u);
  EXPECT_EQ(diagnostics.ErrorCount(), 5u);
  EXPECT_THAT(RenderDiagnostics(diagnostics, Source("a", "")), HasSubstr("... and 3 more."));
}

TEST(Diagnostics, AWarningIsNoError) {
  Diagnostics diagnostics;
  diagnostics.AddWarning("S", "", absl::nullopt);
  EXPECT_FALSE(diagnostics.HasErrors());
  EXPECT_EQ(diagnostics.kept().size(), 1u);
}

TEST(Diagnostics, SortByPlace) {
  Diagnostics diagnostics;
  diagnostics.AddError("second", "", On(2, 1, 2, 10));
  diagnostics.AddError("first", "", On(1, 1, 2, 0));
  diagnostics.AddError("nowhere", "", absl::nullopt);
  diagnostics.SortByPosition();
  EXPECT_EQ(diagnostics.kept()[0].summary, "nowhere");
  EXPECT_EQ(diagnostics.kept()[1].summary, "first");
}

}  // namespace
}  // namespace cloister::hcl
