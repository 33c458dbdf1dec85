// The job files of examples/: each is explained, and run, as a person would.
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/cloister_program.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/local_cluster.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

// What a run of it prints, as a regular expression; those that end by themselves.
const std::map<std::string, std::string>& Outputs() {
  static const auto* const outputs = new std::map<std::string, std::string>{
      {"page-first.hcl", ""},
      {"environment.hcl", "hello, node-1 with [0-9]+ processors\ndata in /alloc/data\n"},
      {"capabilities.hcl", "(.|\n)*CapEff:\t0000000000000400\nCapBnd:\t0000000000000400\n(.|\n)*"},
      {"volume.hcl", "(.|\n)*"},
      {"work-dir.hcl", "hello from /local\n"},
      {"memory-max.hcl", "64 MiB, at most 128 MiB\n"},
      {"constraint.hcl", "linux [0-9].* on .*\n"},
      {"limits.hcl", "fenced-1: 256 files, 8192 KiB of scratch\n"},
      {"variables.hcl", "example: ONE and TWO in example\n"},
      {"json-form.json", "hello from json-form, task hello\n"},
  };
  return *outputs;
}

class Examples : public ClusterTest {
 protected:
  LocalClusterOptions Options() override {
    const std::string directory = absl::StrCat(getenv("TEST_TMPDIR"), "/scratch-", RandomId());
    EXPECT_EQ(mkdir(directory.c_str(), 0755), 0);
    const auto policy = WriteTestFile(
        "policy.hcl", absl::StrCat("host_volume \"scratch\" {\n  path = \"", directory, "\"\n}\n"));
    EXPECT_THAT(policy, IsOk());
    LocalClusterOptions options;
    options.executor_flags = {absl::StrCat("--policy=", *policy)};
    return options;
  }

  Said Cloister(const std::vector<std::string>& words) {
    absl::StatusOr<Said> said = RunCloister(words, cluster().address());
    EXPECT_THAT(said, IsOk());
    return said.ok() ? *std::move(said) : Said();
  }

  static std::vector<std::string> Names() {
    std::vector<std::string> names;
    DIR* const directory = opendir("examples");
    EXPECT_NE(directory, nullptr);
    if (directory == nullptr) return names;
    while (const dirent* entry = readdir(directory)) {
      const std::string name = entry->d_name;
      if (absl::EndsWith(name, ".hcl") || absl::EndsWith(name, ".json")) names.push_back(name);
    }
    closedir(directory);
    return names;
  }
};

TEST_F(Examples, EachIsExplainedAndChecked) {
  EXPECT_GE(Names().size(), Outputs().size() + 2);
  for (const std::string& name : Names()) {
    SCOPED_TRACE(name);
    const std::string path = absl::StrCat("examples/", name);
    const int code = name == "page-second.hcl" ? 2 : 0;
    EXPECT_EQ(Cloister({"validate", path}).code, code);
    const Said text = Cloister({"explain", path});
    EXPECT_EQ(text.code, code) << text.err;
    const Said plan = Cloister({"explain", "--text", path});
    EXPECT_EQ(plan.code, code);
    if (code != 0) continue;
    EXPECT_THAT(text.out,
                AllOf(HasSubstr("command "), HasSubstr("capabilities "), HasSubstr("memory ")));
    EXPECT_THAT(plan.out, HasSubstr("exec {"));
  }
}

TEST_F(Examples, EachDoesWhatItsCommentSays) {
  for (const auto& [name, output] : Outputs()) {
    SCOPED_TRACE(name);
    const Said said = Cloister({"run", absl::StrCat("examples/", name)});
    EXPECT_EQ(said.code, 0) << said.err;
    EXPECT_THAT(said.out, MatchesRegex(output));
  }
  const Said said = Cloister({"run", "--var-file", "examples/values.vars", "--var", "name=last",
                              "examples/variables.hcl"});
  EXPECT_EQ(said.out, "last: RED and BLUE and GREEN in last\n") << said.err;
}

TEST_F(Examples, TheOneThatStopsGracefullyDoes) {
  const Said started = Cloister({"run", "--detach", "examples/graceful-stop.hcl"});
  ASSERT_EQ(started.code, 0) << started.err;
  const std::string id = started.out.substr(0, started.out.find('\n'));
  v1::ReadLogsRequest request;
  request.set_task_id(id);
  request.set_stream(v1::LOG_STREAM_STDOUT);
  request.set_follow(true);
  // Its trap stands when it says that it works.
  EXPECT_THAT(cluster().client().ReadLogs(
                  request, [](absl::string_view) { return absl::CancelledError("seen"); }),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(Cloister({"stop", id}).code, 0);
  EXPECT_EQ(Cloister({"logs", id}).out, "working\ndone\n");
  EXPECT_EQ(Cloister({"rm", id}).code, 0);
}

}  // namespace
}  // namespace cloister
