// Reading by a schema, from both syntaxes: the same content is expected.
#include "libs/hcl/content.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const BodySchema& TaskSchema() {
  static const BodySchema* const schema =
      new BodySchema{{{"driver", true}, {"user"}},
                     {{"config", {}}, {"volume", {"name"}}, {"pair", {"first", "second"}}}};
  return *schema;
}

class Reading {
 public:
  explicit Reading(absl::string_view text)
      : file_(File::Parse("t.hcl", std::string(text), {}, diagnostics_)),
        content_(file_.body().Content(TaskSchema(), diagnostics_)) {}

  const BodyContent& content() const { return content_; }
  std::string errors() const { return TextOf(diagnostics_); }
  Diagnostics& diagnostics() { return diagnostics_; }
  const Body& body() const { return file_.body(); }

 private:
  Diagnostics diagnostics_;
  File file_;
  BodyContent content_;
};

constexpr absl::string_view kNative =
    "driver = \"exec\"\n"
    "config {\n}\n"
    "volume \"a\" {\n}\n"
    "volume \"b\" {\n}\n"
    "pair \"p\" \"q\" {\n}\n";
constexpr absl::string_view kJson = R"({
  "//": "a comment",
  "driver": "exec",
  "config": {},
  "volume": {"a": {}, "b": {}},
  "pair": {"p": {"q": {}}}
})";

TEST(Content, IsTheSameFromBothSyntaxes) {
  for (const absl::string_view text : {kNative, kJson}) {
    Reading reading(text);
    EXPECT_EQ(reading.errors(), "");
    EXPECT_NE(reading.content().Find("driver"), nullptr);
    EXPECT_EQ(reading.content().Find("user"), nullptr);
    EXPECT_NE(reading.content().AtMostOne("config", reading.diagnostics()), nullptr);
    const auto volumes = reading.content().BlocksOfType("volume");
    ASSERT_EQ(volumes.size(), 2u);
    EXPECT_THAT(volumes[1]->labels, ElementsAre("b"));
    EXPECT_THAT(reading.content().BlocksOfType("pair")[0]->labels, ElementsAre("p", "q"));
  }
}

TEST(Content, UnknownNamesHaveASuggestion) {
  const Reading native("drivr = 1\ndriver = 2\nvolumes \"a\" {\n}\nzzz {\n}\n");
  EXPECT_THAT(native.errors(),
              HasSubstr("1:1: Unsupported argument: An argument named \"drivr\" is not "
                        "expected here. Did you mean \"driver\"?"));
  EXPECT_THAT(native.errors(),
              HasSubstr("3:1: Unsupported block type: Blocks of type \"volumes\" are not "
                        "expected here. Did you mean \"volume\"?"));
  EXPECT_THAT(native.errors(), HasSubstr("\"zzz\" are not expected here.\n"));
  const Reading json(R"({"driver": 1, "confg": {}})");
  EXPECT_THAT(json.errors(),
              HasSubstr("1:15: Extraneous JSON object property: No argument or block type "
                        "is named \"confg\". Did you mean \"config\"?"));
}

TEST(Content, WhatIsRequiredAndMissingIsSaid) {
  EXPECT_THAT(Reading("user = 1\n").errors(),
              HasSubstr("1:1: Missing required argument: The argument \"driver\""));
  EXPECT_THAT(Reading("{}").errors(), HasSubstr("Missing required argument"));
}

TEST(Content, BlocksAndArgumentsAreNotMistakenForEachOther) {
  EXPECT_THAT(Reading("driver = 1\nconfig = {}\n").errors(),
              HasSubstr("\"config\" is a block, not an argument"));
  EXPECT_THAT(Reading("driver {\n}\n").errors(),
              HasSubstr("\"driver\" is an argument, not a block"));
}

TEST(Content, LabelsAreCounted) {
  EXPECT_THAT(Reading("driver = 1\nvolume {\n}\n").errors(),
              HasSubstr("2:1: Missing name for volume"));
  EXPECT_THAT(Reading("driver = 1\nconfig \"a\" {\n}\n").errors(),
              HasSubstr("2:8: Extraneous label for config: A config block has no labels."));
  EXPECT_THAT(Reading("driver = 1\npair \"a\" {\n}\n").errors(),
              HasSubstr("Missing second for pair"));
  EXPECT_THAT(Reading(R"({"driver": 1, "volume": {}})").errors(), HasSubstr("Missing block label"));
  EXPECT_THAT(Reading(R"({"driver": 1, "volume": "a"})").errors(), HasSubstr("this is a string"));
}

TEST(Content, ASecondOfWhatThereIsOneIsSaid) {
  Reading reading("driver = 1\nconfig {\n}\nconfig {\n}\n");
  reading.content().AtMostOne("config", reading.diagnostics());
  EXPECT_THAT(reading.errors(),
              HasSubstr("4:1: Duplicate config block: There may be one config block here; "
                        "the first one is on line 2."));
}

TEST(Content, ThePartialRestIsWhatWasNotRead) {
  for (const absl::string_view text : {kNative, kJson}) {
    Reading reading(text);
    Diagnostics diagnostics;
    Body rest;
    reading.body().PartialContent({{{"driver"}}, {{"config", {}}}}, diagnostics, &rest);
    EXPECT_FALSE(diagnostics.HasErrors());
    const BodyContent content =
        rest.Content({{}, {{"volume", {"name"}}, {"pair", {"first", "second"}}}}, diagnostics);
    EXPECT_EQ(TextOf(diagnostics), "");
    EXPECT_EQ(content.blocks.size(), 3u);
  }
}

TEST(Content, TheRestMayReplaceTheBodyItself) {
  Diagnostics diagnostics;
  Body body = File::Parse("t.hcl", "a = 1\nb = 2\n", {}, diagnostics).body();
  body.PartialContent({{{"a"}}, {}}, diagnostics, &body);
  EXPECT_EQ(body.JustAttributes(diagnostics).size(), 1u);
}

TEST(Content, JustAttributesTakesAnyNameButNoBlock) {
  Diagnostics diagnostics;
  const File file = File::Parse("t.hcl", "A = 1\nb-c = 2\nd {\n}\n", {}, diagnostics);
  EXPECT_EQ(file.body().JustAttributes(diagnostics).size(), 2u);
  EXPECT_THAT(TextOf(diagnostics), HasSubstr("3:1: Unexpected \"d\" block"));
}

TEST(JsonContent, ArraysAreSeveralBlocksOrSeveralBodies) {
  const Reading several(
      R"({"driver": 1, "config": [{}, {}], "volume": [{"a": {}}, {"b": [{}, {}]}]})");
  EXPECT_EQ(several.errors(), "");
  EXPECT_EQ(several.content().BlocksOfType("config").size(), 2u);
  EXPECT_EQ(several.content().BlocksOfType("volume").size(), 3u);
  const Reading merged(R"([{"driver": 1}, {"config": {}}])");
  EXPECT_THAT(merged.errors(),
              HasSubstr("Argument or block definition required"));  // No '{' in front.
}

TEST(JsonContent, NullIsNoBlock) {
  const Reading reading(R"({"driver": 1, "config": null})");
  EXPECT_EQ(reading.errors(), "");
  EXPECT_TRUE(reading.content().blocks.empty());
}

TEST(JsonContent, ARepeatedArgumentIsAnErrorARepeatedBlockIsNot) {
  const Reading reading(R"({"driver": 1, "driver": 2, "config": {}, "config": {}})");
  EXPECT_THAT(reading.errors(), HasSubstr("1:15: Attribute redefined"));
  EXPECT_EQ(reading.content().BlocksOfType("config").size(), 2u);
}

TEST(JsonContent, StringsAndNamesAreTemplates) {
  EvaluationScope scope;
  scope.SetFunctions(&StandardFunctions());
  scope.SetVariable("a", Value::Int(3));
  EXPECT_EQ(EvaluateFile(R"({"x": {"k${a}": ["v${a + 1}", "$${a}", true, null, 1.5]}})", scope),
            R"({"k3":["v4","${a}",true,null,1.5]})");
  EXPECT_EQ(EvaluateFile(R"({"x": "${upper(\"q\")}"})", scope), "\"Q\"");
}

TEST(JsonContent, WhatIsWrongInATemplateIsSaidWhereItStands) {
  EXPECT_THAT(EvaluateFile("{\n  \"x\": \"a ${b}\"\n}", EvaluationScope()),
              HasSubstr("2:13: Unknown variable"));
  EXPECT_THAT(EvaluateFile("{\n  \"x\": \"\\n\\n${b}\"\n}", EvaluationScope()),
              HasSubstr("2:15: Unknown variable"));
  EXPECT_THAT(EvaluateFile("{\"x\": \"${\"}", EvaluationScope()),
              HasSubstr("Unterminated template sequence"));
}

TEST(JsonContent, RepeatedKeysOfAnObjectAreAnError) {
  EXPECT_THAT(EvaluateFile(R"({"x": {"a": 1, "a": 2}})", EvaluationScope()),
              HasSubstr("Duplicate object attribute"));
}

}  // namespace
}  // namespace cloister::hcl
