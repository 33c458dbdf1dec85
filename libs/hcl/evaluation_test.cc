#include "libs/hcl/evaluation.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;

// With what only the node knows.
std::string Eval(absl::string_view expression) {
  EvaluationScope scope = TaskFileScope();
  scope.SetVariable("local", Value::Object({{"d", Value::DeferredString("${attr.a}")},
                                            {"s", Value::String("s")}}));
  return EvaluateFile(absl::StrCat("x = ", expression, "\n"), scope);
}

std::string EvalPlain(absl::string_view expression) {
  return EvaluateExpression(expression, {{"obj", Value::Object({{"name", Value::Int(1)}})},
                                         {"list", Value::Tuple({Value::Int(1)})}});
}

TEST(Evaluation, NamesThatAreNotThereHaveASuggestion) {
  EXPECT_THAT(EvalPlain("lst"),
              HasSubstr("1:5: Unknown variable: There is no variable named \"lst\". Did you "
                        "mean \"list\"?"));
  EXPECT_THAT(EvalPlain("obj.nam"),
              HasSubstr("does not have an attribute named \"nam\". Did you mean \"name\"?"));
  EXPECT_THAT(EvalPlain("uper(\"a\")"),
              HasSubstr("There is no function named \"uper\". Did you mean \"upper\"?"));
}

TEST(Evaluation, WrongUseIsSaidWithItsPlace) {
  EXPECT_THAT(EvalPlain("list[1]"), HasSubstr("There is no element 1: the list has 1 element"));
  EXPECT_THAT(EvalPlain("list[-1]"), HasSubstr("may not be negative"));
  EXPECT_THAT(EvalPlain("list[0.5]"), HasSubstr("whole number"));
  EXPECT_THAT(EvalPlain("list.name"), HasSubstr("[*].name"));
  EXPECT_THAT(EvalPlain("obj[\"x\"]"), HasSubstr("no element \"x\""));
  EXPECT_THAT(EvalPlain("obj.name.x"), HasSubstr("Only objects have attributes; this is a number"));
  EXPECT_THAT(EvalPlain("null.a"), HasSubstr("null value"));
  EXPECT_THAT(EvalPlain("1 / 0"), HasSubstr("Division by zero"));
  EXPECT_THAT(EvalPlain("\"a\" + 1"), HasSubstr("a number is required"));
  EXPECT_THAT(EvalPlain("upper()"),
              HasSubstr("Not enough function arguments: The function is upper(text)"));
  EXPECT_THAT(EvalPlain("upper(\"a\", \"b\")"), HasSubstr("Too many function arguments"));
  EXPECT_THAT(EvalPlain("upper([])"),
              HasSubstr("Argument 1 of upper(text) must be a string; this is a list."));
  EXPECT_THAT(EvalPlain("file(\"/etc/passwd\")"), HasSubstr("reads the machine"));
}

TEST(Evaluation, AllErrorsOfACollectionAreSaid) {
  const std::string errors = EvalPlain("[a1, b2, {c = d3}]");
  EXPECT_THAT(errors, HasSubstr("\"a1\""));
  EXPECT_THAT(errors, HasSubstr("\"b2\""));
  EXPECT_THAT(errors, HasSubstr("\"d3\""));
}

TEST(Evaluation, WithoutFunctionsNoneCanBeCalled) {
  EXPECT_THAT(EvaluateFile("x = upper(\"a\")\n", EvaluationScope()),
              HasSubstr("Functions may not be called here"));
}

TEST(Evaluation, AnInnerNameHidesAnOuterOne) {
  EXPECT_EQ(EvalPlain("[for list in list : list]"), "[1]");
  EXPECT_EQ(Eval("[for attr in [{a = 1}] : attr.a]"), "[1]");
}

TEST(Deferred, ReferencesStayTheirText) {
  EXPECT_EQ(Eval("\"${attr.kernel.name}\""), "\"${attr.kernel.name}\"");
  EXPECT_EQ(Eval("attr.kernel.name"), "\"${attr.kernel.name}\"");
  EXPECT_EQ(Eval("\"${env[\"HOME\"]}/x\""), R"("${env[\"HOME\"]}/x")");
  EXPECT_EQ(Eval("\"${ node.unique.id }-${NOMAD_TASK_DIR}\""),
            "\"${node.unique.id}-${NOMAD_TASK_DIR}\"");
  EXPECT_EQ(Eval("NOMAD_ALLOC_ID"), "\"${NOMAD_ALLOC_ID}\"");
  EXPECT_EQ(Eval("\"${attr.unique.network.ip-address}\""), "\"${attr.unique.network.ip-address}\"");
  EXPECT_EQ(Eval("attr.a.0[1]"), "\"${attr.a.0[1]}\"");
  EXPECT_EQ(Eval("env[local.s]"), R"("${env[\"s\"]}")");
}

TEST(Deferred, TextWithThemIsMarked) {
  Diagnostics diagnostics;
  const File file = File::Parse("t", "x = [\"a ${attr.b}\"]\ny = \"a\"\n", {}, diagnostics);
  const AttributeMap attributes = file.body().JustAttributes(diagnostics);
  const EvaluationScope scope = TaskFileScope();
  EXPECT_TRUE(Evaluate(*attributes.at("x").expression, scope, diagnostics)->IsDeferred());
  EXPECT_FALSE(Evaluate(*attributes.at("y").expression, scope, diagnostics)->IsDeferred());
}

TEST(Deferred, MixesWithWhatIsKnown) {
  EXPECT_EQ(Eval("\"${local.s}-${attr.b}-${1 + 1}-${local.d}\""), "\"s-${attr.b}-2-${attr.a}\"");
  EXPECT_EQ(Eval("true ? attr.a : attr.b"), "\"${attr.a}\"");
  EXPECT_EQ(Eval("[for d in [attr.a, attr.b] : \"${d}!\"]"), R"(["${attr.a}!","${attr.b}!"])");
}

TEST(Deferred, WhereItWouldHaveToBeKnownItIsAnError) {
  for (const char* expression :
       {"attr.a == \"x\"", "!attr.a", "1 + attr.a", "attr.a ? 1 : 2", "upper(attr.a)",
        "upper(\"${local.d}\")", "local.d == \"x\"", "{(attr.a) = 1}", "[1][attr.a]", "attr.a[*]",
        "[for x in attr.a : x]", "local.d.x", "\"%{if attr.a}x%{endif}\"", "can(attr.a)",
        "convert(attr.a, number)", "length([attr.a])", "{for d in [attr.a] : d => 1}",
        "env[attr.a]", "format(\"%s\", [attr.a]...)"}) {
    EXPECT_THAT(Eval(expression), HasSubstr("known only on the node")) << expression;
  }
}

TEST(Deferred, FunctionsThatOnlyMoveValuesTakeIt) {
  EXPECT_EQ(Eval("concat([attr.a], [\"b\"])"), R"(["${attr.a}","b"])");
  EXPECT_EQ(Eval("join(\":\", [attr.a, \"b\"])"), R"("${attr.a}:b")");
  EXPECT_EQ(Eval("merge({a = attr.a}, {b = 1})"), R"({"a":"${attr.a}","b":1})");
  EXPECT_THAT(Eval("upper(join(\"\", [attr.a]))"), HasSubstr("known only on the node"));
}

TEST(Deferred, AnEscapedSequenceSurvivesUntilTheNode) {
  EXPECT_EQ(Eval("\"$${a} ${attr.b} %%{c}\""), "\"$${a} ${attr.b} %{c}\"");
  EXPECT_EQ(EvalPlain("\"$${a}\""), "\"${a}\"");
}

TEST(Deferred, ABoolOrNumberMustBeKnown) {
  Diagnostics diagnostics;
  const File file = File::Parse("t", "x = attr.a\n", {}, diagnostics);
  const AttributeMap attributes = file.body().JustAttributes(diagnostics);
  EXPECT_EQ(EvaluateInteger(attributes.at("x"), TaskFileScope(), diagnostics), absl::nullopt);
  EXPECT_EQ(EvaluateBool(attributes.at("x"), TaskFileScope(), diagnostics), absl::nullopt);
  EXPECT_THAT(TextOf(diagnostics), HasSubstr("must be known before a node is chosen"));
}

TEST(TypedEvaluation, ConvertsAsHclDoesAndSaysWhatDoesNot) {
  Diagnostics diagnostics;
  const File file =
      File::Parse("t",
                  "n = \"12\"\nb = \"true\"\nt = 1.5\nl = [1, true]\nm = {a = 1}\nw = {a = []}\n"
                  "z = null\n",
                  {}, diagnostics);
  const AttributeMap a = file.body().JustAttributes(diagnostics);
  const EvaluationScope scope;
  EXPECT_EQ(EvaluateInteger(a.at("n"), scope, diagnostics), 12);
  EXPECT_EQ(EvaluateBool(a.at("b"), scope, diagnostics), true);
  EXPECT_EQ(EvaluateText(a.at("t"), scope, diagnostics), "1.5");
  EXPECT_EQ(EvaluateNumber(a.at("t"), scope, diagnostics), 1.5);
  EXPECT_EQ(EvaluateTextList(a.at("l"), scope, diagnostics),
            (std::vector<std::string>{"1", "true"}));
  EXPECT_EQ(EvaluateTextMap(a.at("m"), scope, diagnostics),
            (std::map<std::string, std::string>{{"a", "1"}}));
  EXPECT_EQ(TextOf(diagnostics), "");
  EXPECT_EQ(EvaluateInteger(a.at("t"), scope, diagnostics), absl::nullopt);
  EXPECT_EQ(EvaluateText(a.at("z"), scope, diagnostics), absl::nullopt);
  EXPECT_EQ(EvaluateTextMap(a.at("w"), scope, diagnostics), absl::nullopt);
  EXPECT_THAT(TextOf(diagnostics), HasSubstr("Inappropriate value for \"t\": a whole number"));
  EXPECT_THAT(TextOf(diagnostics),
              HasSubstr("Inappropriate value for \"z\": a string is required, not null."));
  EXPECT_THAT(TextOf(diagnostics), HasSubstr("element \"a\": a string is required, not a list."));
}

TEST(Limits, NoExpressionTakesForEver) {
  const std::string r = "range(100000)";
  for (const std::string& expression : std::vector<std::string>{
           "range(1000000000)",
           "[for a in " + r + " : [for b in " + r + " : [for c in " + r + " : a]]]",
           "join(join(\"-\", " + r + "), " + r + ")",
           "format(\"%999999999d\", 1)",
           "replace(join(\"\", " + r + "), \"\", join(\"\", " + r + "))",
           "indent(1000000000, \"a\\nb\")",
           "setproduct(" + r + ", " + r + ", " + r + ")",
           "regexall(\"((((((((.*))))))))\", join(\"\", " + r + "))",
           "\"%{for a in " + r + "}%{for b in " + r + "}xxxxxxxxxx%{endfor}%{endfor}\"",
           "formatlist(\"%1000d\", " + r + ")",
           "[for a in " + r + " : \"" + std::string(1000, 'x') + "${a}\"]",
       }) {
    const std::string result = EvalPlain(expression);
    EXPECT_THAT(result.substr(0, 4), "1:5:") << expression << " " << result.substr(0, 100);
  }
}

TEST(Limits, SharedValuesCountAsIfTheyWereNot) {
  // Not the scope's limits yet: what is too large is so at once, or when it is made.
  Value value = Value::String("0123456789");
  for (int i = 0; i < 16; ++i) value = Value::Tuple({value, value});
  EvaluationScope scope;
  scope.SetVariable("large", value);
  scope.SetFunctions(&StandardFunctions());
  EXPECT_THAT(EvaluateFile("x = [large, large]\n", scope), HasSubstr("Value too large"));
  for (int i = 0; i < 24; ++i) value = Value::Tuple({value, value});
  scope.SetVariable("bomb", value);
  EXPECT_THAT(EvaluateFile("x = jsonencode(bomb)\n", scope), HasSubstr("takes too long"));
}

TEST(Limits, ValuesDoNotNestWithoutEnd) {
  EvaluationScope scope;
  Value value;
  for (int i = 0; i < 100; ++i) value = Value::Tuple({value});
  scope.SetVariable("deep", value);
  EXPECT_THAT(EvaluateFile("x = [deep]\n", scope), HasSubstr("Value nested too deep"));
}

TEST(Limits, WhatIsUsedUpStaysUsedUp) {
  EvaluationLimits limits;
  limits.steps = 10;
  EvaluationScope scope(limits);
  EXPECT_EQ(EvaluateFile("x = [1, 2]\n", scope), "[1,2]");
  EXPECT_THAT(EvaluateFile("x = [1, 2, 3, 4, 5, 6, 7, 8]\n", scope),
              HasSubstr("Evaluation takes too long"));
  EXPECT_THAT(EvaluateFile("x = 1\n", scope), HasSubstr("Evaluation takes too long"));
}

TEST(Limits, CanAndTryHideErrorsButNoLimit) {
  EXPECT_EQ(EvalPlain("can(nope)"), "false");
  EXPECT_EQ(EvalPlain("can(obj.name)"), "true");
  EXPECT_EQ(EvalPlain("try(nope, obj.nope, 3)"), "3");
  EXPECT_THAT(EvalPlain("try(nope)"), HasSubstr("none of its arguments"));
  EXPECT_THAT(EvalPlain("can([for a in range(2000) : [for b in range(2000) : a]])"),
              HasSubstr("takes too long"));
}

}  // namespace
}  // namespace cloister::hcl
