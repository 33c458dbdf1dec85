#include "libs/hcl/variables.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;

// `var` and `local` as JSON, or the diagnostics.
std::string Define(absl::string_view text, const std::vector<GivenVariable>& given = {}) {
  Diagnostics diagnostics;
  const File file = File::Parse("t.hcl", std::string(text), {}, diagnostics);
  EvaluationScope scope = TaskFileScope();
  const Body rest = DefineVariables(file.body(), given, scope, diagnostics);
  const BodyContent content = rest.Content({{{"x"}}, {}}, diagnostics);
  if (const Attribute* x = content.Find("x")) Evaluate(*x->expression, scope, diagnostics);
  if (!diagnostics.kept().empty()) return TextOf(diagnostics);
  return absl::StrCat(JsonText(*scope.FindVariable("var")), JsonText(*scope.FindVariable("local")));
}

TEST(Variables, HaveTheirDefaultOrWhatIsGiven) {
  constexpr absl::string_view kFile =
      "variable \"a\" {\n  type = string\n  default = \"d\"\n  description = \"An a.\"\n}\n"
      "variable \"n\" {\n  type = number\n}\n"
      "variable \"l\" {\n  type = list(string)\n  default = [1]\n}\n";
  EXPECT_EQ(Define(kFile, {{"n", "3"}}), R"({"a":"d","l":["1"],"n":3}{})");
  EXPECT_EQ(Define(kFile, {{"n", "1 + 1"}, {"a", "[x"}, {"l", "[\"p\", \"q\"]"}}),
            R"({"a":"[x","l":["p","q"],"n":2}{})");
}

TEST(Variables, OfAnyTypeAreTextFromTheCommandLine) {
  EXPECT_EQ(Define("variable \"a\" {}\n", {{"a", "3"}}), R"({"a":"3"}{})");
}

TEST(Variables, ObjectTypesConvertDeeply) {
  EXPECT_EQ(
      Define("variable \"o\" {\n  type = object({n = number, l = map(bool), s = optional(string), "
             "t = tuple([string, any])})\n"
             "  default = {n = \"1\", l = {a = \"true\"}, t = [1, [2]], more = 1}\n}\n"),
      R"({"o":{"l":{"a":true},"n":1,"s":null,"t":["1",[2]]}}{})");
}

TEST(Variables, WhatIsWrongWithThemIsSaid) {
  EXPECT_THAT(Define("variable \"a\" {\n  type = number\n}\n", {{"a", "x y"}}),
              HasSubstr("The value given for \"a\" is not valid"));
  EXPECT_THAT(Define("variable \"a\" {\n  type = number\n}\n", {{"a", "nope"}}),
              HasSubstr("no variable named \"nope\""));
  EXPECT_THAT(Define("variable \"a\" {\n  type = list(number)\n}\n", {{"a", "[[]]"}}),
              HasSubstr("element 0: a number is required, not a list."));
  EXPECT_THAT(Define("variable \"a\" {\n  type = number\n  default = \"x\"\n}\n"),
              HasSubstr("3:13: Invalid default value"));
  EXPECT_THAT(Define("variable \"a\" {\n  type = strng\n}\n"), HasSubstr("\"strng\" is no type"));
  EXPECT_THAT(Define("variable \"a\" {\n}\n"), HasSubstr("1:1: No value for required variable"));
  EXPECT_THAT(Define("variable \"a\" {\n}\n", {{"a", "1"}, {"a", "2"}}),
              HasSubstr("Variable given twice"));
  EXPECT_THAT(Define("variable \"abc\" {\n  default = 1\n}\n", {{"abd", "1"}}),
              HasSubstr("Did you mean \"abc\"?"));
  EXPECT_THAT(Define("variable \"a\" {}\nvariable \"a\" {}\n", {{"a", ""}}),
              HasSubstr("2:1: Duplicate variable"));
  EXPECT_THAT(Define("variable \"a\" {\n  typ = string\n}\n", {{"a", ""}}),
              HasSubstr("Did you mean \"type\"?"));
  EXPECT_THAT(Define("variable \"a\" {\n  type = object({b = string})\n  default = {}\n}\n"),
              HasSubstr("\"b\" is required"));
}

TEST(Variables, AnErrorIsSaidOnceAndNotWhereTheVariableIsUsed) {
  const std::string errors =
      Define("variable \"a\" {\n}\nx = var.a\nlocals {\n  l = var.a\n  m = local.l\n}\n");
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
}

TEST(Variables, AreThereInJsonToo) {
  EXPECT_EQ(Define(R"json({"variable": {"a": {"type": "list(string)", "default": [1]
}
}
, "locals" : { "b" : "${var.a[0]}!" }
})json"),
            R"({"a":["1"]}{"b":"1!"})");
}

TEST(Locals, ReferToEachOtherInAnyOrder) {
  EXPECT_EQ(Define("locals {\n  c = \"${local.b}c\"\n  b = \"${local.a}b\"\n}\nvariable \"v\" {\n  "
                   "default = \"a\"\n}\n"
                   "locals {\n  a = var.v\n  d = [for k in [local[\"c\"]] : k]\n}\n"),
            R"({"v":"a"}{"a":"a","b":"ab","c":"abc","d":["abc"]})");
}

TEST(Locals, MayHoldWhatOnlyTheNodeKnows) {
  EXPECT_EQ(Define("locals {\n  a = \"${attr.b}\"\n  b = \"x${local.a}\"\n}\n"),
            R"({}{"a":"${attr.b}","b":"x${attr.b}"})");
}

TEST(Locals, ThatDependOnThemselvesAreAnError) {
  EXPECT_THAT(Define("locals {\n  a = local.b\n  b = local.a\n  c = 1\n}\n"),
              HasSubstr("Cycle of local values: These local values "
                        "depend on themselves, or on some that do: a, b."));
  EXPECT_THAT(Define("locals {\n  a = local.a\n}\n"), HasSubstr("2:3: Cycle"));
}

TEST(Locals, WhatIsWrongWithThemIsSaid) {
  EXPECT_THAT(Define("locals {\n  a = 1\n}\nlocals {\n  a = 2\n}\n"),
              HasSubstr("5:3: Duplicate local value"));
  EXPECT_THAT(Define("locals {\n  a = local.nope\n}\n"), HasSubstr("\"nope\""));
  EXPECT_THAT(Define("locals {\n  a = keys(local)\n}\n"),
              HasSubstr("must be followed by the name"));
  EXPECT_THAT(Define("locals {\n  b {\n  }\n}\n"), HasSubstr("Unexpected \"b\" block"));
}

TEST(Locals, AChainOfManyTakesNoQuadraticTime) {
  std::string text = "locals {\n  a0 = 1\n";
  for (int i = 1; i < 20000; ++i) absl::StrAppend(&text, "  a", i, " = local.a", i - 1, "\n");
  EXPECT_THAT(Define(text + "}\n"), HasSubstr("\"a19999\":1"));
}

TEST(Locals, AChainThatNestsIsBounded) {
  std::string text = "locals {\n  a0 = 1\n";
  for (int i = 1; i < 5000; ++i) absl::StrAppend(&text, "  a", i, " = [local.a", i - 1, "]\n");
  EXPECT_THAT(Define(text + "}\n"), HasSubstr("nested too deep"));
}

TEST(Locals, AChainThatDoublesIsBounded) {
  std::string text = "locals {\n  a0 = \"x\"\n";
  for (int i = 1; i < 100; ++i)
    absl::StrAppend(&text, "  a", i, " = \"${local.a", i - 1, "}${local.a", i - 1, "}\"\n");
  EXPECT_THAT(Define(text + "}\n"), HasSubstr("too large"));
}

}  // namespace
}  // namespace cloister::hcl
