#include "libs/hcl/file.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;

std::string ErrorsOf(std::string name, std::string bytes, const ParseOptions& options = {}) {
  Diagnostics diagnostics;
  File::Parse(std::move(name), std::move(bytes), options, diagnostics);
  return TextOf(diagnostics);
}

TEST(File, TheNameOrTheFirstCharacterTellsJson) {
  EXPECT_EQ(ErrorsOf("a.json", "{}"), "");
  EXPECT_EQ(ErrorsOf("a.hcl", "\n {}"), "");
  EXPECT_NE(ErrorsOf("a.json", "a = 1\n"), "");
  EXPECT_EQ(ErrorsOf("<stdin>", "a = 1\n"), "");
  ParseOptions native;
  native.syntax = ParseOptions::Syntax::kNative;
  EXPECT_NE(ErrorsOf("a", "{}", native), "");
}

TEST(File, WhatIsNoTextIsRefusedWithItsPlace) {
  EXPECT_THAT(ErrorsOf("a", "a = 1\nb = \"\xff\"\n"), HasSubstr("2:6: Invalid character encoding"));
  EXPECT_THAT(ErrorsOf("a", std::string("a = 1\n\0", 7)), HasSubstr("2:1: Invalid character"));
}

TEST(File, SizeAndDepthAreBounded) {
  ParseOptions options;
  options.max_bytes = 10;
  EXPECT_THAT(ErrorsOf("a", "a = 1234567\n", options), HasSubstr("File too large"));
  options = {};
  options.max_depth = 2;
  EXPECT_EQ(ErrorsOf("a", "a = [[1]]\n", options).find("1:"), 0u);
  EXPECT_EQ(ErrorsOf("a", "a = [1]\n", options), "");
  options.max_depth = 1000000;
  EXPECT_THAT(ErrorsOf("a", "a = " + std::string(100000, '['), options), HasSubstr("at most 200"));
}

TEST(File, TheDeepestFileIsReadAndEvaluated) {
  ParseOptions options;
  options.max_depth = 200;
  const std::string deep = "\"${" + std::string(190, '(') + "1" + std::string(190, ')') + "}\"";
  for (const std::string& text : {"x = " + deep + "\n", "{\"x\": " + std::string(190, '[') + deep +
                                                            std::string(190, ']') + "}"}) {
    Diagnostics diagnostics;
    const File file = File::Parse("a", text, options, diagnostics);
    const AttributeMap attributes = file.body().JustAttributes(diagnostics);
    EXPECT_EQ(TextOf(diagnostics), "");
    Evaluate(*attributes.at("x").expression, EvaluationScope(), diagnostics);
    EXPECT_EQ(diagnostics.HasErrors(), text.front() == '{');  // The value is nested too deep.
  }
}

TEST(File, WhatIsBrokenIsNotSaidToBeMissingToo) {
  for (const char* text : {"a = )\n", "{\"a\": \"${}\"}", "{\"a\": ", "a = \"\xff\"\n"}) {
    Diagnostics diagnostics;
    File::Parse("a", text, {}, diagnostics).body().Content({{{"a", true}}, {}}, diagnostics);
    EXPECT_EQ(diagnostics.ErrorCount(), 1u) << text << TextOf(diagnostics);
  }
}

TEST(File, KeepsItsTextForDiagnostics) {
  Diagnostics diagnostics;
  const File file = File::Parse("web.hcl", "a = )\n", {}, diagnostics);
  EXPECT_THAT(RenderDiagnostics(diagnostics, file.source()),
              HasSubstr("  on web.hcl line 1, column 5:\n    1 | a = )\n      |     ^\n"));
}

TEST(File, ManyErrorsAreCounted) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "= 1\n";
  Diagnostics diagnostics;
  File::Parse("a", text, {}, diagnostics);
  EXPECT_EQ(diagnostics.kept().size(), Diagnostics::kDefaultLimit);
  EXPECT_EQ(diagnostics.ErrorCount(), 5000u);
}

// The two kinds of files that people bring: a program of the node, and one that is downloaded.
TEST(File, ATaskWithAProgramOfTheNodeReads) {
  Diagnostics diagnostics;
  const File file = File::Parse("sleep.hcl",
                                "task \"nap\" {\n"
                                "driver = \"exec\"\n"
                                "config {\n"
                                "# An absolute path.\n"
                                "command = \"/bin/sleep\"\n"
                                "args = [\"1\"]\n"
                                "}\n"
                                "}\n",
                                {}, diagnostics);
  const BodyContent content = file.body().Content({{}, {{"task", {"name"}}}}, diagnostics);
  const Block* task = content.AtMostOne("task", diagnostics);
  ASSERT_NE(task, nullptr);
  EXPECT_EQ(task->labels[0], "nap");
  const BodyContent inner = task->body.Content({{{"driver", true}}, {{"config", {}}}}, diagnostics);
  const Block* config = inner.AtMostOne("config", diagnostics);
  ASSERT_NE(config, nullptr);
  const BodyContent settings =
      config->body.Content({{{"command", true}, {"args"}}, {}}, diagnostics);
  const EvaluationScope scope = TaskFileScope();
  EXPECT_EQ(EvaluateText(*settings.Find("command"), scope, diagnostics), "/bin/sleep");
  EXPECT_EQ(EvaluateTextList(*settings.Find("args"), scope, diagnostics),
            std::vector<std::string>{"1"});
  EXPECT_EQ(TextOf(diagnostics), "");
}

TEST(File, ATaskWithADownloadedProgramReadsInBothSyntaxes) {
  for (const char* text :
       {"task \"fetched\" {\n"
        "  driver = \"exec\"\n"
        "  config {\n    command = \"a-program\"\n  }\n"
        "  artifact {\n    source = \"https://files.example/a-program\"\n"
        "    options {\n      checksum = \"sha256:00ff\"\n    }\n  }\n}\n",
        R"({"task": {"fetched": {"driver": "exec", "config": {"command": "a-program"}, "artifact":
            [{"source": "https://files.example/a-program", "options": {"checksum": "sha256:00ff"}}]}}})"}) {
    Diagnostics diagnostics;
    const File file = File::Parse("fetch", text, {}, diagnostics);
    const BodyContent content = file.body().Content({{}, {{"task", {"name"}}}}, diagnostics);
    const BodyContent task = content.blocks.at(0).body.Content(
        {{{"driver", true}}, {{"config", {}}, {"artifact", {}}}}, diagnostics);
    const BodyContent artifact =
        task.AtMostOne("artifact", diagnostics)
            ->body.Content({{{"source", true}}, {{"options", {}}}}, diagnostics);
    const AttributeMap options = artifact.blocks.at(0).body.JustAttributes(diagnostics);
    EXPECT_EQ(EvaluateText(options.at("checksum"), TaskFileScope(), diagnostics), "sha256:00ff");
    EXPECT_EQ(TextOf(diagnostics), "");
  }
}

}  // namespace
}  // namespace cloister::hcl
