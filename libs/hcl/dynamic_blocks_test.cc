#include "libs/hcl/dynamic_blocks.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;

// "type label: a=value a=value; ..." for each block, or the diagnostics.
std::string Expand(absl::string_view text) {
  Diagnostics diagnostics;
  const File file = File::Parse("t.hcl", std::string(text), {}, diagnostics);
  EvaluationScope scope = TaskFileScope();
  scope.SetVariable("list", Value::Tuple({Value::String("x"), Value::String("y")}));
  const Body body = ExpandDynamicBlocks(file.body(), scope);
  const BodyContent content = body.Content({{}, {{"port", {}}, {"volume", {"name"}}}}, diagnostics);
  std::string result;
  for (const Block& block : content.blocks) {
    absl::StrAppend(&result, block.type, block.labels.empty() ? "" : " " + block.labels[0], ":");
    const BodyContent inner = block.body.Content({{{"a"}}, {{"port", {}}}}, diagnostics);
    if (const Attribute* a = inner.Find("a")) {
      absl::StrAppend(&result, " ", EvaluateText(*a, scope, diagnostics).value_or("?"));
    }
    for (const Block& port : inner.blocks) {
      const AttributeMap attributes = port.body.JustAttributes(diagnostics);
      absl::StrAppend(&result, " (",
                      EvaluateText(attributes.at("a"), scope, diagnostics).value_or("?"), ")");
    }
    result += ";";
  }
  return diagnostics.kept().empty() ? result : TextOf(diagnostics);
}

TEST(DynamicBlocks, AreOneBlockForEachElementInTheirPlace) {
  EXPECT_EQ(Expand("port {\n  a = 1\n}\n"
                   "dynamic \"port\" {\n  for_each = list\n  content {\n    a = "
                   "\"${port.key}${port.value}\"\n  }\n}\n"
                   "port {\n  a = 2\n}\n"),
            "port: 1;port: 0x;port: 1y;port: 2;");
}

TEST(DynamicBlocks, MayNameTheirIteratorAndGiveLabels) {
  EXPECT_EQ(Expand("dynamic \"volume\" {\n  for_each = {p = 1, q = 2}\n  iterator = v\n  labels = "
                   "[\"${v.key}!\"]\n"
                   "  content {\n    a = v.value\n  }\n}\n"),
            "volume p!: 1;volume q!: 2;");
}

TEST(DynamicBlocks, StandInEachOther) {
  EXPECT_EQ(Expand("dynamic \"port\" {\n  for_each = list\n  iterator = outer\n  content {\n"
                   "    dynamic \"port\" {\n      for_each = [1, 2]\n      content {\n"
                   "        a = \"${outer.value}${port.value}\"\n      }\n    }\n  }\n}\n"),
            "port: (x1) (x2);port: (y1) (y2);");
}

TEST(DynamicBlocks, AreThereInJsonToo) {
  EXPECT_EQ(
      Expand(
          R"({"dynamic": {"port": {"for_each": ["${list[1]}"], "content": {"a": "${port.value}"}}}})"),
      "port: y;");
}

TEST(DynamicBlocks, OfATypeThatWasNotReadBelongToTheRest) {
  Diagnostics diagnostics;
  const File file =
      File::Parse("t",
                  "dynamic \"a\" {\n  for_each = [1]\n  content {}\n}\ndynamic \"b\" {\n"
                  "  for_each = [1, 2]\n  content {}\n}\n",
                  {}, diagnostics);
  const EvaluationScope scope;
  Body rest;
  EXPECT_EQ(ExpandDynamicBlocks(file.body(), scope)
                .PartialContent({{}, {{"a", {}}}}, diagnostics, &rest)
                .blocks.size(),
            1u);
  EXPECT_EQ(rest.Content({{}, {{"b", {}}}}, diagnostics).blocks.size(), 2u);
  EXPECT_EQ(TextOf(diagnostics), "");
}

TEST(DynamicBlocks, WhatIsWrongWithThemIsSaid) {
  EXPECT_THAT(Expand("dynamic \"prt\" {\n  for_each = []\n  content {}\n}\n"),
              HasSubstr("Did you mean \"port\"?"));
  EXPECT_THAT(Expand("dynamic \"port\" {\n  content {}\n}\n"),
              HasSubstr("The argument \"for_each\" is required"));
  EXPECT_THAT(Expand("dynamic \"port\" {\n  for_each = []\n}\n"),
              HasSubstr("Missing content block"));
  EXPECT_THAT(Expand("dynamic \"port\" {\n  for_each = 3\n  content {}\n}\n"),
              HasSubstr("this is a number"));
  EXPECT_THAT(Expand("dynamic \"port\" {\n  for_each = attr.a\n  content {}\n}\n"),
              HasSubstr("known only on the node"));
  EXPECT_THAT(Expand("dynamic \"volume\" {\n  for_each = [1]\n  content {}\n}\n"),
              HasSubstr("Wrong number of labels"));
  EXPECT_THAT(
      Expand("dynamic \"volume\" {\n  for_each = [1]\n  labels = [attr.a]\n  content {}\n}\n"),
      HasSubstr("must be known"));
  EXPECT_THAT(Expand("dynamic \"port\" {\n  for_each = [1]\n  iterator = 3\n  content {}\n}\n"),
              HasSubstr("Invalid iterator"));
}

}  // namespace
}  // namespace cloister::hcl
