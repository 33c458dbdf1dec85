// What expressions mean, from text to value: the forms of HCL's specification.
#include "libs/hcl/expression_parser.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;

std::string Eval(absl::string_view expression) {
  return EvaluateExpression(
      expression,
      {{"a", Value::Int(3)},
       {"l", Value::Tuple({Value::Object({{"n", Value::String("p")},
                                          {"v", Value::Tuple({Value::Int(1), Value::Int(2)})}}),
                           Value::Object({{"n", Value::String("q")},
                                          {"v", Value::Tuple({Value::Int(3)})}})})},
       {"o", Value::Object(
                 {{"k", Value::String("v")}, {"my-key", Value::Int(7)}, {"z", Value::Tuple({})}})},
       {"none", Value()}});
}

TEST(Expression, Literals) {
  EXPECT_EQ(Eval("12"), "12");
  EXPECT_EQ(Eval("-12.50"), "-12.5");
  EXPECT_EQ(Eval("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(Eval("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(Eval("true"), "true");
  EXPECT_EQ(Eval("null"), "null");
  EXPECT_THAT(Eval("1e999"), HasSubstr("Number out of range"));
}

TEST(Expression, StringsHaveTheEscapesOfHcl) {
  EXPECT_EQ(Eval(R"("a\n\r\t\"\\b")"), R"("a\n\r\t\"\\b")");
  EXPECT_EQ(Eval(R"("\u00fc\U0001F600")"), "\"\xc3\xbc\xf0\x9f\x98\x80\"");
  EXPECT_EQ(Eval(R"("$${a} %%{b} $ % $$ {")"), R"("${a} %{b} $ % $$ {")");
  for (const char* bad :
       {R"("\x")", R"("\u12")", R"("\uD800")", R"("\U00110000")", R"("\u0000")", R"("\$")"}) {
    EXPECT_THAT(Eval(bad), HasSubstr("Invalid escape sequence")) << bad;
  }
}

TEST(Expression, OperatorsBindAsInHcl) {
  EXPECT_EQ(Eval("1 + 2 * 3 - 4"), "3");
  EXPECT_EQ(Eval("(1 + 2) * 3"), "9");
  EXPECT_EQ(Eval("10 - 4 - 3"), "3");
  EXPECT_EQ(Eval("7 % 4 * 2"), "6");
  EXPECT_EQ(Eval("-a + 1"), "-2");
  EXPECT_EQ(Eval("!true || true && false"), "false");
  EXPECT_EQ(Eval("1 < 2 == true"), "true");
  EXPECT_EQ(Eval("1 + 1 >= 2 && 3 != 4"), "true");
  EXPECT_EQ(Eval("\"5\" * \"2\""), "10");
  EXPECT_EQ(Eval("1 == \"1\""), "false");
  EXPECT_EQ(Eval("[1, {a = 2}] == [1, {a = 2}]"), "true");
}

TEST(Expression, TheSecondOperandIsOnlyEvaluatedWhereItCounts) {
  EXPECT_EQ(Eval("none != null && none.x"), "false");
  EXPECT_EQ(Eval("none == null || none.x"), "true");
  EXPECT_THAT(Eval("true && none.x"), HasSubstr("null"));
}

TEST(Expression, ConditionalsNestToTheRight) {
  EXPECT_EQ(Eval("false ? 1 : true ? 2 : 3"), "2");
  EXPECT_EQ(Eval("a > 2 ? \"big\" : \"small\""), "\"big\"");
  EXPECT_THAT(Eval("1 ? 2 : 3"), HasSubstr("Incorrect condition type"));
  EXPECT_THAT(Eval("true ? 2"), HasSubstr("Missing false expression"));
}

TEST(Expression, CollectionsMaySpanLinesAndEndWithAComma) {
  EXPECT_EQ(Eval("[1,\n  2,\n]"), "[1,2]");
  EXPECT_EQ(Eval("{a = 1, \"b c\" = 2, (\"d\") = 3}"), R"({"a":1,"b c":2,"d":3})");
  EXPECT_EQ(Eval("{\n  a : 1\n\n  b : 2,\n}"), R"({"a":1,"b":2})");
  EXPECT_EQ(Eval("{\"x${a}\" = 1, 5 = 2, (a) = 3}"), R"({"3":3,"5":2,"x3":1})");
  EXPECT_THAT(Eval("{a = 1 b = 2}"), HasSubstr("Missing attribute separator"));
  EXPECT_THAT(Eval("{a = 1 +\n 2}"), HasSubstr("Missing expression"));
  EXPECT_THAT(Eval("{o.k = 1}"), HasSubstr("Ambiguous attribute key"));
  EXPECT_THAT(Eval("{a = 1, a = 2}"), HasSubstr("Duplicate object key"));
  EXPECT_THAT(Eval("[1 2]"), HasSubstr("Missing item separator"));
}

TEST(Expression, ParenthesesPermitNewLines) {
  EXPECT_EQ(Eval("(1\n +\n 2)"), "3");
  EXPECT_THAT(Eval("(1"), HasSubstr("Unbalanced parentheses"));
}

TEST(Expression, TraversalsGoThroughAttributesAndIndexes) {
  EXPECT_EQ(Eval("o.k"), "\"v\"");
  EXPECT_EQ(Eval("o[\"my-key\"]"), "7");
  EXPECT_EQ(Eval("o.my-key"), "7");
  EXPECT_EQ(Eval("l[0].v[1]"), "2");
  EXPECT_EQ(Eval("l.0.v.1"), "2");
  EXPECT_EQ(Eval("l[\"1\"].n"), "\"q\"");
  EXPECT_EQ(Eval("[5, 6][a - 2]"), "6");
  EXPECT_EQ(Eval("{b = 1}.b"), "1");
}

TEST(Expression, SplatsTakeEachElement) {
  EXPECT_EQ(Eval("l[*].n"), R"(["p","q"])");
  EXPECT_EQ(Eval("l.*.n"), R"(["p","q"])");
  EXPECT_EQ(Eval("l[*].v[0]"), "[1,3]");
  EXPECT_EQ(Eval("l.*.v[0]"), "[1,2]");  // The index is one of the result.
  EXPECT_EQ(Eval("l[*].v[*]"), "[[1,2],[3]]");
  EXPECT_EQ(Eval("none[*]"), "[]");
  EXPECT_EQ(Eval("o[*].k"), R"(["v"])");
}

TEST(Expression, ForMakesTuplesAndObjects) {
  EXPECT_EQ(Eval("[for x in l : x.n]"), R"(["p","q"])");
  EXPECT_EQ(Eval("[for i, x in l : \"${i}${x.n}\" if x.n != \"p\"]"), R"(["1q"])");
  EXPECT_EQ(Eval("{for k, v in {a = 1, b = 2} : v => k}"), R"({"1":"a","2":"b"})");
  EXPECT_EQ(Eval("{for v in [\"a\", \"b\", \"a\"] : v => 1...}"), R"({"a":[1,1],"b":[1]})");
  EXPECT_EQ(Eval("[\n  for x in [1, 2] :\n  x * a\n]"), "[3,6]");
  EXPECT_THAT(Eval("{for v in [1, 1] : v => v}"), HasSubstr("Duplicate object key"));
  EXPECT_THAT(Eval("[for x in 3 : x]"), HasSubstr("Iteration over non-iterable value"));
  EXPECT_THAT(Eval("[for x : x]"), HasSubstr("Invalid 'for' expression"));
}

TEST(Expression, CallsExpandTheirLastArgument) {
  EXPECT_EQ(Eval("max([1, 5, 3]...)"), "5");
  EXPECT_EQ(Eval("min(\n  4,\n  2,\n)"), "2");
  EXPECT_THAT(Eval("max([1]..., 2)"), HasSubstr("Missing closing parenthesis"));
  EXPECT_THAT(Eval("max(1..."), HasSubstr("Missing closing parenthesis"));
  EXPECT_THAT(Eval("max(3...)"), HasSubstr("Invalid expanding argument value"));
}

TEST(Expression, SaysWhatIsExpected) {
  EXPECT_THAT(Eval("1 +"), HasSubstr("Missing expression"));
  EXPECT_THAT(Eval("* 2"), HasSubstr("Invalid expression"));
  EXPECT_THAT(Eval("o."), HasSubstr("Invalid attribute name"));
  EXPECT_THAT(Eval("o[1"), HasSubstr("Missing close bracket"));
  EXPECT_THAT(Eval("l.1e2"), HasSubstr("Invalid legacy index"));
}

}  // namespace
}  // namespace cloister::hcl
