#include "tools/cloister/task_flags.h"

#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TaskFlagsTest : public testing::Test {
 protected:
  TaskFlagsTest() { task_flags_.Declare(&flags_); }

  absl::StatusOr<v1::TaskConfig> ConfigOf(const std::vector<std::string>& words) {
    flags_.StopAtFirstArgument();
    absl::StatusOr<std::vector<std::string>> command = flags_.Parse(words);
    if (!command.ok()) return command.status();
    return task_flags_.MakeConfig(
        *command, [](const std::string& name) { return name == "HERE" ? "value" : nullptr; });
  }

  TaskFlags task_flags_;
  FlagSet flags_;
};

TEST_F(TaskFlagsTest, ACommandAloneLeavesAllElseToTheServer) {
  absl::StatusOr<v1::TaskConfig> config = ConfigOf({"/bin/ls", "-l"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->config().command(), "/bin/ls");
  EXPECT_THAT(config->config().args(), ElementsAre("-l"));
  EXPECT_FALSE(config->has_resources());
  EXPECT_FALSE(config->has_kill_timeout());
  EXPECT_EQ(config->user(), "");
}

TEST_F(TaskFlagsTest, EveryAttributeButThoseOfFilesHasItsFlag) {
  absl::StatusOr<v1::TaskConfig> config = ConfigOf({"--name=n",
                                                    "--user=1:2",
                                                    "--env=A=b=c",
                                                    "--memory=64",
                                                    "--cpu=7",
                                                    "--pids=9",
                                                    "--memory-max=-1",
                                                    "--secrets=2",
                                                    "--pid-mode=host",
                                                    "--ipc-mode=private",
                                                    "--chroot-env=/bin,/lib",
                                                    "--userns=private",
                                                    "--root=overlay",
                                                    "--no-init",
                                                    "--seccomp=unconfined",
                                                    "--without-landlock",
                                                    "--new-privs",
                                                    "--unmasked-paths",
                                                    "--volume=data:/a:ro",
                                                    "--volume=data:/b",
                                                    "--cap-add=chown,kill",
                                                    "--cap-add=fowner",
                                                    "--cap-drop=all",
                                                    "--work-dir=/tmp",
                                                    "--kill-timeout=1.5s",
                                                    "--kill-signal=SIGINT",
                                                    "--meta=k=v",
                                                    "--node=n1",
                                                    "--",
                                                    "true",
                                                    "x"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->env().at("A"), "b=c");
  EXPECT_THAT(config->config().cap_add(), ElementsAre("chown", "kill", "fowner"));
  EXPECT_EQ(config->kill_timeout().seconds(), 1);
  EXPECT_EQ(config->kill_timeout().nanos(), 500'000'000);
  EXPECT_EQ(task_flags_.node(), "n1");
  EXPECT_EQ(config->volumes_size(), 1);
  ASSERT_EQ(config->volume_mounts_size(), 2);
  EXPECT_TRUE(config->volume_mounts(0).read_only());
  EXPECT_EQ(config->volume_mounts(1).destination(), "/b");
  const std::set<std::string> only_in_files = {
      "job",      "constraints", "artifacts", "templates",     "lifecycle",
      "logs",     "cores",       "rlimits",   "oom_score_adj", "hostname",
      "shm_size", "mounts",      "dns",       "devices",       "root_size"};
  for (const google::protobuf::Message* message : std::vector<const google::protobuf::Message*>{
           &*config, &config->config(), &config->resources()}) {
    std::vector<const google::protobuf::FieldDescriptor*> set;
    message->GetReflection()->ListFields(*message, &set);
    std::set<std::string> names;
    for (const google::protobuf::FieldDescriptor* field : set) names.insert(field->name());
    for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
      const std::string& name = message->GetDescriptor()->field(i)->name();
      EXPECT_NE(names.count(name), only_in_files.count(name)) << name;
    }
  }
}

TEST_F(TaskFlagsTest, WhatIsTypedIsWhatRuns) {
  absl::StatusOr<v1::TaskConfig> config =
      ConfigOf({"--env=A=${X}", "--work-dir=/${X}", "sh", "-c", "echo ${X} $${Y} $Z"});
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(config->config().args(), ElementsAre("-c", "echo $${X} $$${Y} $Z"));
  EXPECT_EQ(config->env().at("A"), "$${X}");
  EXPECT_EQ(config->config().work_dir(), "/$${X}");
}

TEST_F(TaskFlagsTest, AVolumeNeedsAPlace) {
  EXPECT_THAT(ConfigOf({"--volume=data", "true"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NAME:DESTINATION")));
}

TEST_F(TaskFlagsTest, TheFirstFlagThatSaysWhatTheTaskIsIsKnown) {
  ASSERT_THAT(ConfigOf({"--node=n1", "true"}), IsOk());
  EXPECT_EQ(task_flags_.first_given(), "");
  ASSERT_THAT(ConfigOf({"-m", "64", "--user=x", "true"}), IsOk());
  EXPECT_EQ(task_flags_.first_given(), "memory");
}

TEST_F(TaskFlagsTest, AVariableWithoutValueIsTakenFromHere) {
  absl::StatusOr<v1::TaskConfig> config = ConfigOf({"--env", "HERE", "true"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->env().at("HERE"), "value");
  EXPECT_THAT(ConfigOf({"--env", "GONE", "true"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--env GONE: not set here")));
}

TEST_F(TaskFlagsTest, AZeroIsNotTheDefault) {
  EXPECT_THAT(ConfigOf({"--memory=0", "true"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--memory: 0")));
  EXPECT_THAT(ConfigOf({"--cpu=0", "true"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--cpu: 0")));
}

TEST_F(TaskFlagsTest, MetaNeedsAKey) {
  EXPECT_THAT(ConfigOf({"--meta=v", "true"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not KEY=VALUE")));
}

TEST(ParseMebibytes, TakesUnitsOfOthers) {
  EXPECT_THAT(ParseMebibytes("300"), IsOkAndHolds(300));
  EXPECT_THAT(ParseMebibytes("512m"), IsOkAndHolds(512));
  EXPECT_THAT(ParseMebibytes("512MiB"), IsOkAndHolds(512));
  EXPECT_THAT(ParseMebibytes("2G"), IsOkAndHolds(2048));
  EXPECT_FALSE(ParseMebibytes("2k").ok());
  EXPECT_FALSE(ParseMebibytes("-1").ok());
  EXPECT_FALSE(ParseMebibytes("").ok());
  EXPECT_FALSE(ParseMebibytes("9223372036854775807g").ok());
}

}  // namespace
}  // namespace cloister
