#include "libs/task/parse_task_spec.h"

#include <signal.h>

#include <type_traits>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"

namespace cloister::task {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// A request that is right as it stands; the tests spoil one thing each.
v1::TaskConfig Config(absl::string_view more = "") {
  v1::TaskConfig config;
  config.mutable_config()->set_command("/bin/true");
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(std::string(more), &config));
  return config;
}

std::vector<std::string> Violations(const v1::TaskConfig& config) {
  const auto spec = ParseTaskSpec(config);
  std::vector<std::string> all;
  for (const FieldViolation& violation : GetFieldViolations(spec.status())) {
    all.push_back(absl::StrCat(violation.field, ": ", violation.description));
  }
  EXPECT_EQ(spec.ok(), all.empty());
  return all;
}

std::vector<std::string> Violations(absl::string_view more) { return Violations(Config(more)); }

static_assert(!std::is_default_constructible<TaskSpec>::value, "only ParseTaskSpec makes one");

TEST(ParseTaskSpec, ATaskThatSaysOnlyItsCommandGetsTheDefaults) {
  const auto spec = ParseTaskSpec(Config());
  ASSERT_THAT(spec, IsOk());
  EXPECT_EQ(spec->command(), "/bin/true");
  EXPECT_THAT(spec->args(), IsEmpty());
  EXPECT_THAT(spec->env(), IsEmpty());
  EXPECT_EQ(spec->work_dir(), "/");
  EXPECT_EQ(spec->user().ToString(), "nobody");
  EXPECT_TRUE(spec->cap_add().empty());
  EXPECT_TRUE(spec->cap_drop().empty());
  EXPECT_EQ(spec->cpu_shares(), 100);
  EXPECT_EQ(spec->memory_bytes(), 300u << 20);
  EXPECT_EQ(spec->pids(), 1024);
  EXPECT_EQ(spec->kill_timeout(), absl::Seconds(5));
  EXPECT_EQ(spec->kill_signal(), SIGTERM);
}

TEST(ParseTaskSpec, EverythingThatIsAskedForIsInTheSpec) {
  v1::TaskConfig config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        name: "web_1.a-b"
        config {
          command: "server"
          args: "-p"
          args: ""
          cap_add: "CAP_NET_RAW"
          cap_add: "chown"
          cap_drop: "all"
          work_dir: "/local/data"
        }
        env { key: "A" value: "1=2" }
        env { key: "_b9" value: "" }
        user: "1000:100"
        resources { cpu: 262144 memory: 1 pids: 2 }
        kill_timeout { seconds: 86400 }
        kill_signal: "INT"
        meta { key: "owner" value: "me" }
      )pb",
      &config));
  const auto spec = ParseTaskSpec(config);
  ASSERT_THAT(spec, IsOk());
  EXPECT_EQ(spec->name(), "web_1.a-b");
  EXPECT_EQ(spec->command(), "server");
  EXPECT_THAT(spec->args(), ElementsAre("-p", ""));
  EXPECT_EQ(spec->cap_add().named, (capability::CapabilitySet{0, 13}));
  EXPECT_TRUE(spec->cap_drop().all);
  EXPECT_EQ(spec->work_dir(), "/local/data");
  EXPECT_THAT(spec->env(), ElementsAre(Pair("A", "1=2"), Pair("_b9", "")));
  EXPECT_EQ(spec->user().ToString(), "1000:100");
  EXPECT_EQ(spec->cpu_shares(), 262144);
  EXPECT_EQ(spec->memory_bytes(), 1u << 20);
  EXPECT_EQ(spec->pids(), 2);
  EXPECT_EQ(spec->kill_timeout(), absl::Hours(24));
  EXPECT_EQ(spec->kill_signal(), SIGINT);
  EXPECT_THAT(spec->meta(), ElementsAre(Pair("owner", "me")));
}

TEST(ParseTaskSpec, EveryViolationIsToldAtOnce) {
  v1::TaskConfig config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        name: "a/b"
        config { args: "ok" cap_add: "fly" cap_drop: "chown" cap_drop: "swim" work_dir: "tmp" }
        env { key: "BAD=NAME" value: "x" }
        env { key: "2" value: "x" }
        user: "+0"
        resources { cpu: -1 memory: -1 pids: 1 }
        kill_timeout { seconds: -1 }
        kill_signal: "SIGFOO"
      )pb",
      &config));
  EXPECT_THAT(
      Violations(config),
      ElementsAre("name: must be at most 128 characters of [A-Za-z0-9_.-]",
                  "config.command: must be provided",
                  "env[2]: the name must be [A-Za-z_][A-Za-z0-9_]*",
                  "env[BAD=NAME]: the name must be [A-Za-z_][A-Za-z0-9_]*",
                  "config.cap_add[0]: 'fly' is not a Linux capability",
                  "config.cap_drop[1]: 'swim' is not a Linux capability",
                  "config.work_dir: must be absolute but got relative path 'tmp'",
                  "user: '+0' is neither a user name, a uid, nor uid:gid",
                  "resources.cpu: must be from 1 to 262144 but is -1",
                  "resources.memory: must be from 1 to 4294967296 but is -1",
                  "resources.pids: must be from 2 to 4194304 but is 1",
                  "kill_timeout: must not be negative", "kill_signal: 'SIGFOO' is not a signal"));
}

TEST(ParseTaskSpec, AnEmptyRequestLacksOnlyItsCommand) {
  EXPECT_THAT(Violations(v1::TaskConfig()), ElementsAre("config.command: must be provided"));
}

TEST(ParseTaskSpec, ManyViolationsAreCounted) {
  v1::TaskConfig config = Config();
  for (int i = 0; i < 100; ++i) config.mutable_config()->add_cap_add("x");
  const std::vector<std::string> all = Violations(config);
  ASSERT_EQ(all.size(), 21u);
  EXPECT_EQ(all[20], ": and 80 further violations");
}

TEST(ParseTaskSpec, AFieldOfANewerVersionIsRefusedAndNotIgnored) {
  v1::TaskConfig config = Config();
  config.mutable_config()
      ->GetReflection()
      ->MutableUnknownFields(config.mutable_config())
      ->AddVarint(99, 1);
  EXPECT_THAT(Violations(config),
              ElementsAre("config.99: this version does not know a field of that number"));
}

TEST(ParseTaskSpec, NameIsOneToOneHundredTwentyEightPlainCharacters) {
  v1::TaskConfig config = Config();
  config.set_name(std::string(128, 'n'));
  EXPECT_THAT(Violations(config), IsEmpty());
  config.set_name(std::string(129, 'n'));
  EXPECT_THAT(Violations(config), ElementsAre(HasSubstr("name: ")));
  config.set_name("a b");
  EXPECT_THAT(Violations(config), ElementsAre(HasSubstr("name: ")));
}

TEST(ParseTaskSpec, CommandHasNoNulAndFitsAPath) {
  v1::TaskConfig config = Config();
  config.mutable_config()->set_command(std::string("/bin/\0true", 10));
  EXPECT_THAT(Violations(config), ElementsAre("config.command: must not contain NUL"));
  config.mutable_config()->set_command(std::string(4080, 'c'));
  EXPECT_THAT(Violations(config), IsEmpty());
  config.mutable_config()->set_command(std::string(4081, 'c'));
  EXPECT_THAT(Violations(config), ElementsAre("config.command: has 4081 bytes, at most 4080 fit"));
}

TEST(ParseTaskSpec, ArgsHaveNoNulAndFitTheKernelsLimit) {
  v1::TaskConfig config = Config();
  config.mutable_config()->add_args(std::string((128 << 10) - 1, 'a'));
  EXPECT_THAT(Violations(config), IsEmpty());
  config.mutable_config()->add_args(std::string(128 << 10, 'a'));
  config.mutable_config()->add_args(std::string("\0", 1));
  EXPECT_THAT(Violations(config),
              ElementsAre("config.args[1]: has 131072 bytes, at most 131071 fit",
                          "config.args[2]: must not contain NUL"));
}

TEST(ParseTaskSpec, EnvHasNoNulAndFitsTheKernelsLimit) {
  v1::TaskConfig config = Config();
  (*config.mutable_env())["A"] = std::string((128 << 10) - 3, 'a');
  EXPECT_THAT(Violations(config), IsEmpty());
  (*config.mutable_env())["A"] += "a";
  (*config.mutable_env())["B"] = std::string("x\0y", 3);
  (*config.mutable_env())[""] = "x";
  EXPECT_THAT(Violations(config),
              ElementsAre("env[]: the name must be [A-Za-z_][A-Za-z0-9_]*",
                          "env[A]: has 131072 bytes with its name, at most 131071 fit",
                          "env[B]: the value must not contain NUL"));
}

TEST(ParseTaskSpec, ANameFromAStrangerIsShownHarmless) {
  v1::TaskConfig config = Config();
  (*config.mutable_env())["a\n\x1b[2J" + std::string(100, 'x')] = "";
  EXPECT_THAT(Violations(config),
              ElementsAre(absl::StrCat("env[a\\n\\x1b[2J", std::string(42, 'x'),
                                       "...]: the name must be [A-Za-z_][A-Za-z0-9_]*")));
}

TEST(ParseTaskSpec, AllStringsTogetherFitTheKernelsLimit) {
  v1::TaskConfig config = Config();
  const std::string piece((64 << 10) - 9, 'p');  // 64 KiB with NUL and pointer
  for (int i = 0; i < 15; ++i) config.mutable_config()->add_args(piece);
  EXPECT_THAT(Violations(config), IsEmpty());
  (*config.mutable_env())["A"] = piece;
  EXPECT_THAT(Violations(config),
              ElementsAre("config.args: command, args and env take 1048596 bytes together, at most "
                          "1048576 fit"));
}

TEST(ParseTaskSpec, CapabilitiesAreTakenInAnySpelling) {
  EXPECT_THAT(Violations("config { cap_add: ['CAP_NET_RAW', 'all', ''] cap_drop: ' All ' }"),
              IsEmpty());
}

TEST(ParseTaskSpec, WorkDirIsAbsoluteAndClean) {
  EXPECT_THAT(Violations("config { work_dir: '/' }"), IsEmpty());
  EXPECT_THAT(Violations("config { work_dir: '/a b/c' }"), IsEmpty());
  EXPECT_THAT(Violations("config { work_dir: './x' }"),
              ElementsAre("config.work_dir: must be absolute but got relative path './x'"));
  EXPECT_THAT(Violations("config { work_dir: '/a/../b/' }"),
              ElementsAre("config.work_dir: must be a clean path: write '/b'"));
  EXPECT_THAT(Violations("config { work_dir: '/a\\000b' }"),
              ElementsAre("config.work_dir: must not contain NUL"));
  v1::TaskConfig config = Config();
  config.mutable_config()->set_work_dir("/" + std::string(4095, 'w'));
  EXPECT_THAT(Violations(config), ElementsAre("config.work_dir: has 4096 bytes, at most 4095 fit"));
}

TEST(ParseTaskSpec, ResourcesStayInTheirRanges) {
  EXPECT_THAT(Violations("resources { cpu: 1 memory: 1 pids: 2 }"), IsEmpty());
  EXPECT_THAT(Violations("resources { cpu: 262144 memory: 4294967296 pids: 4194304 }"), IsEmpty());
  EXPECT_THAT(Violations("resources { cpu: 262145 memory: 4294967297 pids: 4194305 }").size(), 3u);
  EXPECT_THAT(Violations("resources { pids: -9223372036854775808 }").size(), 1u);
}

TEST(ParseTaskSpec, KillTimeoutIsWholeMillisecondsRoundedUp) {
  EXPECT_EQ(ParseTaskSpec(Config("kill_timeout { }"))->kill_timeout(), absl::ZeroDuration());
  EXPECT_EQ(ParseTaskSpec(Config("kill_timeout { nanos: 1 }"))->kill_timeout(),
            absl::Milliseconds(1));
  EXPECT_EQ(ParseTaskSpec(Config("kill_timeout { seconds: 1 nanos: 500000000 }"))->kill_timeout(),
            absl::Milliseconds(1500));
}

TEST(ParseTaskSpec, KillTimeoutIsADurationOfAtMostADay) {
  for (const char* bad :
       {"seconds: 86400 nanos: 1", "seconds: 315576000000", "nanos: -1",
        "seconds: 1 nanos: 1000000000", "nanos: -1000000000", "seconds: 9223372036854775807"}) {
    EXPECT_THAT(Violations(absl::StrCat("kill_timeout { ", bad, " }")),
                ElementsAre(HasSubstr("kill_timeout: ")))
        << bad;
  }
}

TEST(ParseTaskSpec, KillSignalIsAnySpellingOfASignal) {
  EXPECT_EQ(ParseTaskSpec(Config("kill_signal: 'SIGKILL'"))->kill_signal(), SIGKILL);
  EXPECT_EQ(ParseTaskSpec(Config("kill_signal: 'hup'"))->kill_signal(), SIGHUP);
  EXPECT_THAT(Violations("kill_signal: '0'"), ElementsAre("kill_signal: '0' is not a signal"));
}

TEST(ParseTaskSpec, MetaIsBounded) {
  v1::TaskConfig config = Config();
  for (int i = 0; i < 64; ++i) (*config.mutable_meta())[absl::StrCat(i)] = std::string(1000, 'm');
  EXPECT_THAT(Violations(config), IsEmpty());
  (*config.mutable_meta())[""] = std::string(2000, 'm');
  EXPECT_THAT(Violations(config),
              UnorderedElementsAre("meta: has 65 entries, at most 64",
                                   "meta: has 66118 bytes, at most 65536", "meta: a key is empty"));
}

TEST(ParseTaskSpec, WhatIsNotAvailableYetIsRefusedByName) {
  EXPECT_THAT(Violations("templates { } lifecycle { } logs { } resources { cores: 1 }"),
              ElementsAre("templates: not available yet", "lifecycle: not available yet",
                          "logs: not available yet", "resources.cores: not available yet"));
}

TEST(ParseTaskSpec, ModesAreTwoWords) {
  const auto spec = ParseTaskSpec(Config("config { pid_mode: 'host' ipc_mode: 'private' }"));
  ASSERT_THAT(spec, IsOk());
  EXPECT_EQ(spec->pid_mode(), NamespaceMode::kHost);
  EXPECT_EQ(spec->ipc_mode(), NamespaceMode::kPrivate);
  EXPECT_EQ(ParseTaskSpec(Config())->pid_mode(), NamespaceMode::kNodeDefault);
  EXPECT_THAT(Violations("config { pid_mode: 'Host' ipc_mode: 'none' }"),
              ElementsAre("config.pid_mode: must be \"private\" or \"host\" but is 'Host'",
                          "config.ipc_mode: must be \"private\" or \"host\" but is 'none'"));
}

TEST(ParseTaskSpec, MemoryMaxIsMoreThanMemoryOrWithoutLimit) {
  const auto max = [](absl::string_view resources) {
    return ParseTaskSpec(Config(absl::StrCat("resources { ", resources, " }")))->memory_max_bytes();
  };
  EXPECT_EQ(max("memory: 10"), 0u);
  EXPECT_EQ(max("memory: 10 memory_max: 10"), 0u);
  EXPECT_EQ(max("memory: 10 memory_max: 30"), 31457280u);
  EXPECT_EQ(max("memory_max: -1"), TaskSpec::kUnlimitedMemory);
  EXPECT_THAT(Violations("resources { memory: 10 memory_max: 9 }"),
              ElementsAre("resources.memory_max: must be -1, or from 10 (resources.memory) to "
                          "4294967296 but is 9"));
  EXPECT_THAT(Violations("resources { memory_max: -2 }").size(), 1u);
}

TEST(ParseTaskSpec, SecretsFitIntoTheMemory) {
  EXPECT_EQ(ParseTaskSpec(Config())->secrets_bytes(), 1u << 20);
  EXPECT_EQ(ParseTaskSpec(Config("resources { secrets: 300 }"))->secrets_bytes(), 300u << 20);
  EXPECT_THAT(Violations("resources { memory: 10 secrets: 11 }"),
              ElementsAre("resources.secrets: must be from 1 to 10 (resources.memory) but is 11"));
  EXPECT_THAT(Violations("resources { secrets: -1 }").size(), 1u);
}

TEST(ParseTaskSpec, ChrootEnvIsAbsoluteCleanPaths) {
  EXPECT_THAT(ParseTaskSpec(Config("config { chroot_env: ['/usr', '/lib64'] }"))->chroot_env(),
              ElementsAre("/usr", "/lib64"));
  EXPECT_THAT(Violations("config { chroot_env: ['usr', '/usr/../etc', '', 'a\\000'] }").size(), 4u);
  v1::TaskConfig config = Config();
  for (int i = 0; i < 65; ++i) config.mutable_config()->add_chroot_env("/usr");
  EXPECT_THAT(Violations(config), ElementsAre("config.chroot_env: has 65 entries, at most 64"));
}

TEST(ParseTaskSpec, JobContextIsBoundedInertText) {
  v1::TaskConfig config = Config("job { id: 'a/b' namespace: '..' }");
  EXPECT_THAT(Violations(config), IsEmpty());
  EXPECT_EQ(ParseTaskSpec(config)->job().namespace_(), "..");
  config.mutable_job()->set_group(std::string(300, 'g'));
  config.mutable_job()->set_parent_id(std::string("\0", 1));
  EXPECT_THAT(Violations(config), ElementsAre("job.group: has 300 bytes, at most 128 fit",
                                              "job.parent_id: must not contain NUL"));
}

TEST(ParseTaskSpec, ConstraintsAreBounded) {
  EXPECT_EQ(ParseTaskSpec(Config("constraints { attribute: 'linux' value: 'linux' }"))
                ->constraints()
                .size(),
            1u);
  v1::TaskConfig config = Config("constraints { value: 'a\\000' }");
  config.mutable_constraints(0)->set_attribute(std::string(5000, 'a'));
  EXPECT_THAT(Violations(config),
              ElementsAre("constraints[0].attribute: has 5000 bytes, at most 4096 fit",
                          "constraints[0].value: must not contain NUL"));
}

TEST(ParseTaskSpec, VolumesAreCheckedWithTheRest) {
  EXPECT_THAT(Violations("user: '+' volume_mounts { volume: 'v' destination: '/x' }"),
              ElementsAre(HasSubstr("user: "), HasSubstr("volume_mounts[0].volume: ")));
}

}  // namespace
}  // namespace cloister::task
