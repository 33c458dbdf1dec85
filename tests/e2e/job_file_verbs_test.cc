// run, validate, explain and job init with files: what goes with what, where a mistake is shown,
// and what a program sees of it.
#include <stdlib.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/cloister_program.h"
#include "tests/testing/cluster_fixture.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kEcho[] =
    "variable \"word\" { default = \"default\" }\n"
    "task \"t\" {\n"
    "  driver = \"exec\"\n"
    "  config {\n"
    "    command = \"/bin/echo\"\n"
    "    args    = [var.word]\n"
    "  }\n"
    "}\n";

class JobFileVerbs : public ClusterTest {
 protected:
  Said Cloister(const std::vector<std::string>& words, const std::string& input = "") {
    absl::StatusOr<Said> said = RunCloister(words, cluster().address(), input);
    EXPECT_THAT(said, IsOk());
    return said.ok() ? *std::move(said) : Said();
  }

  static std::string File(const std::string& text, const std::string& ending = ".hcl") {
    const auto path = WriteTestFile(absl::StrCat("job-", RandomId(), ending), text);
    EXPECT_THAT(path, IsOk());
    return path.ok() ? *path : "";
  }
};

TEST_F(JobFileVerbs, FlagsStandBeforeAndBehindTheFile) {
  const std::string path = File(kEcho);
  EXPECT_EQ(Cloister({"run", path}).out, "default\n");
  EXPECT_EQ(Cloister({"run", "--var", "word=a", path}).out, "a\n");
  EXPECT_EQ(Cloister({"run", path, "--var", "word=b", "--node", "node-1"}).out, "b\n");
  const std::string values = File("word = \"of a file\"\n", ".vars");
  EXPECT_EQ(Cloister({"run", "--var-file", values, path}).out, "of a file\n");
  EXPECT_EQ(Cloister({"run", "--var-file", values, "--var=word=last", path}).out, "last\n");
  const Said detached = Cloister({"run", path, "--detach"});
  EXPECT_EQ(detached.code, 0) << detached.err;
  const std::string id = detached.out.substr(0, detached.out.find('\n'));
  EXPECT_EQ(Cloister({"wait", id}).code, 0);
  EXPECT_EQ(Cloister({"rm", id}).code, 0);
}

TEST_F(JobFileVerbs, StdinIsAFileToo) {
  EXPECT_EQ(Cloister({"run", "-"}, kEcho).out, "default\n");
  EXPECT_EQ(Cloister({"validate", "-"}, kEcho).code, 0);
  EXPECT_THAT(Cloister({"run", "-"}, "task").err, HasSubstr("on <stdin> line 1"));
}

TEST_F(JobFileVerbs, WhatTheFileSaysNoFlagSays) {
  const std::string path = File(kEcho);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--memory", "64", path},
        std::vector<std::string>{"explain", path, "--user=root"}}) {
    const Said said = Cloister(words);
    EXPECT_EQ(said.code, 2);
    EXPECT_THAT(said.err, AllOf(HasSubstr("do not go together"), HasSubstr(path)));
  }
  const Said words = Cloister({"run", path, "more"});
  EXPECT_EQ(words.code, 2);
  EXPECT_THAT(words.err, HasSubstr("'more' behind"));
  const Said variable = Cloister({"run", "--var", "a=b", "--", "/bin/true"});
  EXPECT_EQ(variable.code, 2);
  EXPECT_THAT(variable.err, HasSubstr("--var: only with FILE"));
}

TEST_F(JobFileVerbs, BehindDashesItIsACommand) {
  const Said said = Cloister({"run", "--", "x.hcl"});
  EXPECT_EQ(said.code, 125);
  EXPECT_THAT(said.err, HasSubstr("x.hcl"));
}

TEST_F(JobFileVerbs, WhatIsTypedIsWhatRuns) {
  EXPECT_EQ(Cloister({"run", "--env", "A=${X}", "--", "/bin/sh", "-c", "X=1; echo ${X} $A $${X}"})
                .out.substr(0, 7),
            "1 ${X} ");
  EXPECT_EQ(Cloister({"run", "--", "/bin/echo", "${attr.kernel.name} $${x}"}).out,
            "${attr.kernel.name} $${x}\n");
}

TEST_F(JobFileVerbs, WhatOnlyTheNodeKnowsIsShownInTheFile) {
  const std::string path = File(
      "task \"t\" {\n  driver = \"exec\"\n  config {\n    command = \"/bin/echo\"\n"
      "    args = [\"a\", \"${attr.kernel.nmae}\"]\n  }\n}\n");
  EXPECT_EQ(Cloister({"validate", path}).code, 0);
  for (const char* verb : {"run", "explain"}) {
    const Said said = Cloister({verb, path});
    EXPECT_EQ(said.code, 2);
    EXPECT_THAT(said.err,
                AllOf(HasSubstr("line 5, column 18"), HasSubstr("^^^^"),
                      HasSubstr("did you mean 'attr.kernel.name'?"), HasSubstr("1 problem\n")));
  }
}

TEST_F(JobFileVerbs, ARefusedStartIsNoBadFile) {
  const std::string path = File(
      "task \"t\" {\n  driver = \"exec\"\n  config {\n    command = \"/bin/true\"\n"
      "    cap_add = [\"sys_admin\"]\n  }\n}\n");
  const Said said = Cloister({"run", path});
  EXPECT_EQ(said.code, 125);
  EXPECT_THAT(said.err, HasSubstr("sys_admin"));
  EXPECT_EQ(Cloister({"ps", "--all", "--quiet"}).out, "");
}

TEST_F(JobFileVerbs, ValidateNeedsNoClusterAndListsNotices) {
  const std::string path =
      File(absl::StrCat("job \"j\" {\n  datacenters = [\"dc1\"]\n",
                        "  task \"t\" {\n    driver = \"exec\"\n    config {\n",
                        "      command = \"x\"\n    }\n  }\n}\n"));
  const absl::StatusOr<Said> said = RunCloister({"validate", path}, "unix:/nowhere");
  ASSERT_THAT(said, IsOk());
  EXPECT_EQ(said->code, 0) << said->err;
  EXPECT_THAT(said->err, AllOf(HasSubstr("Warning: Left to a scheduler"),
                               HasSubstr("line 2, column 3"), HasSubstr("\"datacenters\"")));
  EXPECT_THAT(said->out, HasSubstr("the task t can be run"));
  const absl::StatusOr<Said> bad =
      RunCloister({"run", File("task {}\nnonsense = 1\n")}, "unix:/no");
  ASSERT_THAT(bad, IsOk());
  EXPECT_EQ(bad->code, 2);
  EXPECT_THAT(bad->err, HasSubstr("2 problems"));
}

TEST_F(JobFileVerbs, AFileThatIsNotThereIsBadInput) {
  for (const char* verb : {"run", "validate", "explain"}) {
    const Said said = Cloister({verb, "/nowhere/job.hcl"});
    EXPECT_EQ(said.code, 2);
    EXPECT_THAT(said.err, HasSubstr("/nowhere/job.hcl: no such file or directory"));
  }
  EXPECT_EQ(Cloister({"validate", "/tmp"}).code, 2);
}

TEST_F(JobFileVerbs, InitWritesWhatRunsAndOverwritesNothing) {
  for (const bool is_short : {false, true}) {
    const std::string path = absl::StrCat(getenv("TEST_TMPDIR"), "/init-", RandomId(), ".hcl");
    std::vector<std::string> words = {"job", "init", path};
    if (is_short) words.emplace_back("--short");
    EXPECT_EQ(Cloister(words).code, 0);
    const Said run = Cloister({"run", path});
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("hello from "));
    const Said again = Cloister(words);
    EXPECT_EQ(again.code, 2);
    EXPECT_THAT(again.err, HasSubstr("is there already"));
  }
}

TEST_F(JobFileVerbs, CompletionAndHelpKnowThem) {
  const Said script = Cloister({"completion", "bash"});
  EXPECT_THAT(script.out, AllOf(HasSubstr("'validate')"), HasSubstr("'job init')"),
                                HasSubstr("--var-file"), HasSubstr("job) ids='init'")));
  EXPECT_THAT(Cloister({"--help"}).out, AllOf(HasSubstr("validate"), HasSubstr("job init")));
  EXPECT_THAT(Cloister({"job"}).err, HasSubstr("cloister job init"));
  EXPECT_THAT(Cloister({"run", "--help"}).out, Not(HasSubstr("@")));
}

}  // namespace
}  // namespace cloister
