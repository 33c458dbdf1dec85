#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;

std::string Eval(absl::string_view expression) {
  return EvaluateExpression(expression, {{"n", Value::String("name")},
                                         {"l", Value::Tuple({Value::Int(1), Value::Int(2)})},
                                         {"yes", Value::Bool(true)}});
}

TEST(Template, InterpolatesWhatConvertsToText) {
  EXPECT_EQ(Eval("\"a ${n} ${1 + 1} ${yes}\""), R"("a name 2 true")");
  EXPECT_EQ(Eval("\"${\"in ${\"${n}\"}\"}!\""), R"("in name!")");
  EXPECT_THAT(Eval("\"a ${l}\""), HasSubstr("Invalid template interpolation value"));
  EXPECT_THAT(Eval("\"a ${null}\""), HasSubstr("this is null"));
}

TEST(Template, OneInterpolationAloneIsItsValue) {
  EXPECT_EQ(Eval("\"${l}\""), "[1,2]");
  EXPECT_EQ(Eval("\"${yes}\""), "true");
}

TEST(Template, DirectivesChooseAndRepeat) {
  EXPECT_EQ(Eval("\"%{if yes}a%{else}b%{endif}c\""), "\"ac\"");
  EXPECT_EQ(Eval("\"%{if !yes}a%{endif}c\""), "\"c\"");
  EXPECT_EQ(Eval("\"%{for i, x in l}${i}=${x};%{endfor}\""), "\"0=1;1=2;\"");
  EXPECT_EQ(Eval("\"%{for x in l}%{if x == 1}one%{else}more%{endif} %{endfor}\""), "\"one more \"");
}

TEST(Template, StripMarkersTakeTheWhiteSpaceBesideThem) {
  EXPECT_EQ(Eval("\"a  ${~ n ~}  b\""), "\"anameb\"");
  EXPECT_EQ(Eval("\"a \\n %{~ if yes ~} b %{~ endif ~} c\""), "\"abc\"");
}

TEST(Template, HeredocsKeepTheirLines) {
  EXPECT_EQ(Eval("<<EOT\na ${n}\n  b \\n \"q\"\nEOT"), R"("a name\n  b \\n \"q\"\n")");
  EXPECT_EQ(Eval("<<EOT\nEOT"), "\"\"");
  EXPECT_EQ(Eval("<<EOT\n$${a} %%{b}\nEOT"), R"("${a} %{b}\n")");
  EXPECT_EQ(Eval("[<<A\nx\nA\n, <<B\ny\nB\n]"), R"(["x\n","y\n"])");
}

TEST(Template, IndentedHeredocsLoseWhatAllLinesHave) {
  EXPECT_EQ(Eval("<<-EOT\n    a\n      b\n\n    c\n    EOT"), R"("a\n  b\n\nc\n")");
  EXPECT_EQ(Eval("<<-EOT\n    ${n}\n      b\n    EOT"), R"("name\n  b\n")");
  EXPECT_EQ(Eval("<<-EOT\n  a\nb\n  EOT"), R"("  a\nb\n")");
}

TEST(Template, AHeredocLoopWritesALineForEach) {
  EXPECT_EQ(Eval("<<EOT\n%{ for x in l ~}\nserver ${x}\n%{ endfor ~}\nend\nEOT"),
            R"("server 1\nserver 2\nend\n")");
  // A marker strips to the end of its line: the next line keeps its indentation, as elsewhere.
  EXPECT_EQ(Eval("<<EOT\n%{ for x in l ~}\n  server ${x}\n%{ endfor ~}\nEOT"),
            R"("  server 1\n  server 2\n")");
}

TEST(Template, DirectivesBelongTogether) {
  EXPECT_THAT(Eval("\"%{if yes}a\""), HasSubstr("There is no %{endif}"));
  EXPECT_THAT(Eval("\"%{endif}\""), HasSubstr("Unexpected template directive"));
  EXPECT_THAT(Eval("\"%{if yes}%{endfor}\""), HasSubstr("Expected %{endif} first"));
  EXPECT_THAT(Eval("\"%{for x in l}%{else}%{endfor}\""), HasSubstr("Expected %{endfor} first"));
  EXPECT_THAT(Eval("\"%{while}\""), HasSubstr("Invalid template directive"));
  EXPECT_THAT(Eval("\"${n n}\""), HasSubstr("Extra characters in template sequence"));
}

}  // namespace
}  // namespace cloister::hcl
