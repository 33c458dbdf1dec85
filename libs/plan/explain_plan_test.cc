#include "libs/plan/explain_plan.h"

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using node::CgroupLayout;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ExplainPlanTest : public testing::Test {
 protected:
  internal::LaunchPlan Plan(const task::TaskSpec& spec) {
    const auto plan = MakeLaunchPlan(spec, ExampleNobody(), facts_, policy_);
    EXPECT_THAT(plan, IsOk());
    return plan.value_or(internal::LaunchPlan());
  }
  std::string Explain(absl::string_view config) {
    const task::TaskSpec spec = ExampleSpec(config);
    return ExplainPlan(spec, facts_, policy_, Plan(spec));
  }
  node::NodeFacts facts_ = ExampleFacts(CgroupLayout::kV2);
  node::NodePolicy policy_ = node::DefaultNodePolicy();
};

TEST_F(ExplainPlanTest, SaysWhichValuesAreDefaults) {
  EXPECT_THAT(Explain("config { command: '/bin/true' }"),
              AllOf(HasSubstr("command       /local/bin/true, then /bin/true (absolute: "
                              "beneath /local, then as it is inside the task's root)\n"),
                    HasSubstr("nobody: uid 65534, gid 65534, further groups none (the default)"),
                    HasSubstr("memory 300 MiB (the default)"),
                    HasSubstr("stop          SIGTERM, and SIGKILL after 5s (the default)")));
  EXPECT_THAT(Explain("config { command: 'x' } resources { memory: 64 } kill_signal: 'HUP'"),
              AllOf(HasSubstr("/local/x, then /x, then /usr/local/bin/x"),
                    HasSubstr("memory 64 MiB, cpu"), HasSubstr("SIGHUP, and SIGKILL after 5s\n")));
}

TEST_F(ExplainPlanTest, SaysWhatTheNodeLacks) {
  EXPECT_THAT(Explain("config { command: 'x' }"),
              HasSubstr("left out      /lib32 /run/resolvconf (not on this node)"));
}

TEST_F(ExplainPlanTest, SaysWhereTheCapabilitiesComeFrom) {
  EXPECT_THAT(Explain("config { command: 'x' cap_drop: 'chown' cap_add: 'kill' }"),
              AllOf(HasSubstr("sys_chroot (the node's default, without cap_drop, with cap_add)\n"),
                    HasSubstr("holds kill (by cap_add)\n")));
  policy_.allow_caps.named = {0, 13};
  EXPECT_THAT(Explain("config { command: 'x' }"),
              HasSubstr("at most chown (what the node allows of its default)\n"));
}

TEST_F(ExplainPlanTest, SaysThatThereAreNoLimits) {
  policy_.limit_by_cgroups = false;
  EXPECT_THAT(Explain("config { command: 'x' }"),
              HasSubstr("limits        none: this node runs tasks without cgroups"));
}

TEST_F(ExplainPlanTest, SaysWhyATaskOpensFewFiles) {
  facts_.max_open_files = 2466126;
  EXPECT_THAT(Explain("config { command: 'x' }"),
              HasSubstr("open files 1024, at most 1204 (half of this machine's 2466126 "
                        "(fs.file-max) over 1024 processes (resources.pids), as resources.memory "
                        "has room for more); no core dumps\n"));
  EXPECT_THAT(Explain("config { command: 'x' } resources { memory: 64 }"),
              HasSubstr("open files 1024, at most 1048576; no core dumps\n"));
}

TEST_F(ExplainPlanTest, SaysWhichOfTheTasksVariablesAreNotUsed) {
  EXPECT_THAT(Explain("config { command: 'x' } env { key: 'HOME' value: '/root' }"),
              HasSubstr("HOME: the task's value is not used, the user's is"));
}

TEST_F(ExplainPlanTest, ShowsNoValueOfTheEnvironment) {
  const char kSecret[] =
      "config { command: 'x' } env { key: 'TOKEN' value: 's3cret' } env { key: 'A' value: "
      "'x=s3cret' }";
  EXPECT_THAT(Explain(kSecret), AllOf(HasSubstr("TOKEN"), Not(HasSubstr("s3cret"))));
  const std::string text = RedactedPlanText(Plan(ExampleSpec(kSecret)));
  EXPECT_THAT(text, AllOf(HasSubstr("env: \"TOKEN=...\""), HasSubstr("env: \"A=...\""),
                          Not(HasSubstr("s3cret"))));
}

TEST_F(ExplainPlanTest, TextFromAStrangerCannotDrawOnTheTerminal) {
  EXPECT_THAT(Explain("config { command: '/bin/\\033[2Jx' args: 'a\\nb' }"),
              AllOf(HasSubstr("/bin/\\x1b[2Jx"), HasSubstr("'a\\nb'"), Not(HasSubstr("\x1b"))));
}

TEST_F(ExplainPlanTest, TheTextIsThePlanButForTheEnvironment) {
  internal::LaunchPlan plan = Plan(ExampleSpec("config { command: 'x' }"));
  internal::LaunchPlan read_back;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(RedactedPlanText(plan), &read_back));
  read_back.mutable_exec()->clear_env();
  plan.mutable_exec()->clear_env();
  EXPECT_EQ(read_back.SerializeAsString(), plan.SerializeAsString());
}

TEST_F(ExplainPlanTest, SaysThatCapAddWins) {
  EXPECT_THAT(Explain("config { command: 'x' cap_drop: 'all' cap_add: 'chown' }"),
              HasSubstr("kept although cap_drop names it: chown (cap_add wins)"));
  policy_.ambient_default_caps = true;
  EXPECT_THAT(Explain("config { command: 'x' cap_drop: 'kill' }"),
              HasSubstr("(all of it, by node policy ambient_default_caps)"));
}

TEST_F(ExplainPlanTest, SaysWhoseTheNamespacesAre) {
  policy_.allow_host_pid_mode = true;
  EXPECT_THAT(Explain("config { command: 'x' pid_mode: 'host' }"),
              AllOf(HasSubstr("ipc mount uts cgroup (its own)"),
                    HasSubstr("pid_mode host (as asked for), ipc_mode private (the node's "
                              "default)")));
}

TEST_F(ExplainPlanTest, SaysWhereMemoryEnds) {
  EXPECT_THAT(Explain("config { command: 'x' } resources { memory: 64 memory_max: 128 }"),
              HasSubstr("memory 64 MiB spared when the node is short, at most 128 MiB "
                        "(memory_max)"));
  EXPECT_THAT(Explain("config { command: 'x' } resources { memory: 64 memory_max: -1 }"),
              HasSubstr("no limit (memory_max -1)"));
}

}  // namespace
}  // namespace cloister::plan
