#include "libs/jobspec/job_file.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::jobspec {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr char kPageFirst[] = R"(task "webservice" {
driver = "exec"
config {
command = "my-binary"
args = ["-flag", "1"]
}
}
)";

constexpr char kPageSecond[] = R"(task "example" {
driver = "exec"
config {
command = "name-of-my-binary"
}
artifact {
source = "https://internal.file.server/name-of-my-binary"
options {
checksum = "sha256:abd123445ds4555555555"
}
}
}
)";

JobFile Read(const std::string& text, const std::vector<hcl::GivenVariable>& given = {},
             const std::string& name = "job.hcl") {
  JobFile file = ReadJobFile(name, text, {given});
  CheckJobFile(&file);
  return file;
}

// A task that is right, with `more` in it.
std::string Task(const std::string& more, const std::string& config = "") {
  return absl::StrCat(
      "task \"t\" {\n  driver = \"exec\"\n  config {\n    command = \"/bin/true\"\n", config,
      "  }\n", more, "}\n");
}

std::string InJob(const std::string& job, const std::string& group, const std::string& task) {
  return absl::StrCat("job \"j\" {\n", job, "group \"g\" {\n", group, Task(task), "}\n}\n");
}

// Each problem as "line: summary: detail", notices after "~".
std::vector<std::string> Said(const JobFile& file) {
  std::vector<std::string> said;
  for (const hcl::Diagnostic& diagnostic : file.diagnostics.kept()) {
    said.push_back(absl::StrCat(diagnostic.severity == hcl::Severity::kError ? "" : "~",
                                diagnostic.range ? diagnostic.range->start.line : 0, ": ",
                                diagnostic.summary, ": ", diagnostic.detail));
  }
  return said;
}

TEST(JobFile, WhatCloisterAddsToTheConfigBlockIsRead) {
  const JobFile file = Read(Task("", R"(
    init = false
    seccomp = "default"
    landlock = false
    no_new_privs = false
    masked_paths = false
    hostname = "h-1"
    oom_score_adj = 7
    shm_size = 1048576
    rlimit "nofile" {
      soft = 100
      hard = "unlimited"
    }
    mount {
      type = "bind"
      source = "/srv/data"
      destination = "/data"
      read_only = true
    }
    mount {
      type = "tmpfs"
      destination = "/scratch"
      size = 65536
      mode = "0700"
      noexec = true
    }
    device {
      host_path = "/dev/fuse"
      task_path = "/dev/f"
      permissions = "rw"
    }
    dns {
      servers = ["10.0.0.1"]
      searches = ["a.example"]
      options = ["ndots:2"]
    }
)"));
  EXPECT_THAT(Said(file), IsEmpty());
  EXPECT_EQ(
      file.config.config().ShortDebugString(),
      "command: \"/bin/true\" "
      "rlimits { name: \"nofile\" soft: \"100\" hard: \"unlimited\" } "
      "oom_score_adj: 7 hostname: \"h-1\" shm_size: 1048576 "
      "mounts { type: \"bind\" source: \"/srv/data\" destination: \"/data\" read_only: true } "
      "mounts { type: \"tmpfs\" destination: \"/scratch\" noexec: true size: 65536 "
      "mode: \"0700\" } "
      "dns { servers: \"10.0.0.1\" searches: \"a.example\" options: \"ndots:2\" } "
      "devices { host_path: \"/dev/fuse\" task_path: \"/dev/f\" permissions: \"rw\" } "
      "seccomp: \"default\" landlock: false no_new_privs: false masked_paths: false init: false");
}

TEST(JobFile, AnElementOfAListOfBlocksIsShownAtItsPlace) {
  const JobFile file = Read(Task("", R"(    rlimit "nofile" {
      soft = "many"
    }
)"));
  EXPECT_THAT(Said(file), testing::Each(HasSubstr("6: Invalid config.rlimits[0].soft")));
}

TEST(JobFile, ThePagesFirstExampleIsReadAsItStands) {
  const JobFile file = Read(kPageFirst);
  EXPECT_THAT(Said(file), IsEmpty());
  EXPECT_EQ(file.config.name(), "webservice");
  EXPECT_EQ(file.config.config().command(), "my-binary");
  EXPECT_THAT(file.config.config().args(), ElementsAre("-flag", "1"));
  EXPECT_FALSE(file.config.has_job());
}

TEST(JobFile, ThePagesSecondExampleIsReadAndRefusedForItsChecksum) {
  const JobFile file = Read(kPageSecond);
  ASSERT_EQ(file.config.artifacts_size(), 1);
  EXPECT_EQ(file.config.artifacts(0).source(), "https://internal.file.server/name-of-my-binary");
  EXPECT_THAT(Said(file),
              ElementsAre(AllOf(HasSubstr("9: Invalid artifacts[0].options[checksum]"),
                                HasSubstr("21 characters"), HasSubstr("64 hexadecimal digits"))));
}

TEST(JobFile, EverythingOfATaskIsRead) {
  const JobFile file = Read(Task(R"(
  user = "nobody"
  kill_timeout = "1m30s"
  kill_signal = "SIGINT"
  env {
    PORT = 80
    HERE = "${NOMAD_TASK_DIR}/x"
  }
  meta = { rack = "r1" }
  resources {
    cpu = 500
    memory = 256
    memory_max = 512
    secrets = 2
    pids = 64
  }
  constraint {
    attribute = "${attr.kernel.name}"
    value = "linux"
  }
  constraint {
    attribute = "${attr.kernel.version}"
    version = ">= 4.0"
  }
)",
                                 R"(
    args = ["${PORT}", "${env["HERE"]}", "$${shell}"]
    pid_mode = "private"
    ipc_mode = "host"
    cap_add = ["net_raw"]
    cap_drop = ["all"]
    work_dir = "/local"
    chroot_env = ["/bin"]
)"));
  EXPECT_THAT(Said(file), IsEmpty());
  const v1::TaskConfig& config = file.config;
  EXPECT_EQ(config.user(), "nobody");
  EXPECT_EQ(config.kill_timeout().seconds(), 90);
  EXPECT_EQ(config.kill_signal(), "SIGINT");
  EXPECT_THAT(config.env(),
              UnorderedElementsAre(Pair("PORT", "80"), Pair("HERE", "${NOMAD_TASK_DIR}/x")));
  EXPECT_THAT(config.meta(), ElementsAre(Pair("rack", "r1")));
  EXPECT_EQ(config.resources().cpu(), 500);
  EXPECT_EQ(config.resources().memory(), 256);
  EXPECT_EQ(config.resources().memory_max(), 512);
  EXPECT_EQ(config.resources().secrets(), 2);
  EXPECT_EQ(config.resources().pids(), 64);
  EXPECT_THAT(config.config().args(), ElementsAre("${PORT}", "${env[\"HERE\"]}", "$${shell}"));
  EXPECT_EQ(config.config().ipc_mode(), "host");
  EXPECT_EQ(config.config().work_dir(), "/local");
  EXPECT_THAT(config.config().chroot_env(), ElementsAre("/bin"));
  ASSERT_EQ(config.constraints_size(), 2);
  EXPECT_EQ(config.constraints(0).attribute(), "${attr.kernel.name}");
  EXPECT_EQ(config.constraints(1).operator_(), "version");
  EXPECT_EQ(config.constraints(1).value(), ">= 4.0");
}

TEST(JobFile, OfMetaTheTaskCountsMostAndConstraintsStandFromTheOutside) {
  const JobFile file =
      Read(InJob("meta {\n a = \"job\"\n b = \"job\"\n c = \"job\"\n}\n"
                 "constraint {\n attribute = \"1\"\n value = \"1\"\n}\n",
                 "meta {\n b = \"group\"\n c = \"group\"\n}\n"
                 "constraint {\n attribute = \"2\"\n value = \"2\"\n}\n",
                 "meta {\n c = \"task\"\n}\n"
                 "constraint {\n attribute = \"3\"\n value = \"3\"\n}\n"));
  EXPECT_THAT(Said(file), IsEmpty());
  EXPECT_THAT(file.config.meta(),
              UnorderedElementsAre(Pair("a", "job"), Pair("b", "group"), Pair("c", "task")));
  ASSERT_EQ(file.config.constraints_size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(file.config.constraints(i).attribute(), absl::StrCat(i + 1));
  }
  EXPECT_EQ(file.config.job().id(), "j");
  EXPECT_EQ(file.config.job().group(), "g");
  EXPECT_EQ(file.config.name(), "t");
}

TEST(JobFile, VolumesOfTheGroupAreMountedByTheTask) {
  const JobFile file = Read(
      InJob("", "volume \"data\" {\n type = \"host\"\n source = \"srv\"\n read_only = true\n}\n",
            "volume_mount {\n volume = \"data\"\n destination = \"/data\"\n}\n"));
  EXPECT_THAT(Said(file), IsEmpty());
  ASSERT_EQ(file.config.volumes_size(), 1);
  EXPECT_EQ(file.config.volumes(0).source(), "srv");
  EXPECT_TRUE(file.config.volumes(0).read_only());
  ASSERT_EQ(file.config.volume_mounts_size(), 1);
  EXPECT_EQ(file.config.volume_mounts(0).destination(), "/data");
}

TEST(JobFile, WhatIsASchedulersIsNoticedAndNoError) {
  const JobFile file =
      Read(InJob("datacenters = [\"dc1\"]\ntype = \"batch\"\npriority = 50\n"
                 "update {\n max_parallel = 1\n}\n",
                 "spread {\n attribute = \"${node.datacenter}\"\n}\n", ""));
  EXPECT_FALSE(file.diagnostics.HasErrors());
  EXPECT_THAT(Said(file), ElementsAre(HasSubstr("~2: Left to a scheduler: \"datacenters\""),
                                      HasSubstr("\"type\""), HasSubstr("\"priority\""),
                                      HasSubstr("\"update\""), HasSubstr("\"spread\"")));
}

TEST(JobFile, WhatIsNotThereYetIsRefusedByNameAtItsPlace) {
  const JobFile file = Read(InJob(
      "periodic {\n cron = \"* * * * *\"\n}\n", "network {\n port \"http\" {}\n}\n",
      "service {\n name = \"x\"\n}\ntemplate {\n data = \"x\"\n destination = \"local/x\"\n}\n"
      "logs {\n max_files = 1\n}\nlifecycle {\n hook = \"prestart\"\n}\n"));
  EXPECT_THAT(Said(file),
              ElementsAre(HasSubstr("2: Not available yet: \"periodic\" blocks are not available"),
                          HasSubstr("6: Not available yet: \"network\" blocks are not available"),
                          HasSubstr("\"service\" blocks are not available"),
                          HasSubstr("\"template\" blocks are not available yet"),
                          HasSubstr("\"logs\" blocks are not available yet"),
                          HasSubstr("\"lifecycle\" blocks are not available yet")));
}

TEST(JobFile, CoresAreNotAvailableYet) {
  EXPECT_THAT(Said(Read(Task("resources {\n cores = 2\n}\n"))),
              ElementsAre(HasSubstr("7: Not available yet: \"cores\" is not available yet")));
}

TEST(JobFile, UnknownNamesComeWithWhatMayBeMeant) {
  EXPECT_THAT(Said(Read(Task("", "comand = \"x\"\n"))),
              ElementsAre(AllOf(HasSubstr("5: "), HasSubstr("Did you mean \"command\"?"))));
  EXPECT_THAT(Said(Read(Task("resorces {}\n"))),
              ElementsAre(HasSubstr("Did you mean \"resources\"?")));
  EXPECT_THAT(Said(Read(InJob("update {\n max_paralel = 1\n}\n", "", ""))),
              testing::Contains(HasSubstr("Did you mean \"max_parallel\"?")));
}

TEST(JobFile, MoreThanOneTaskGroupOrCountIsRefused) {
  const std::string task = Task("");
  EXPECT_THAT(Said(Read(task + task)), ElementsAre(HasSubstr("7: More than one task")));
  EXPECT_THAT(
      Said(Read("job \"j\" {\ngroup \"a\" {\n" + task + "}\ngroup \"b\" {\n" + task + "}\n}\n")),
      ElementsAre(HasSubstr("10: More than one group")));
  EXPECT_THAT(Said(Read(InJob("", "count = 3\n", ""))),
              ElementsAre(HasSubstr("3: Not available yet: \"count\" must be 1, but is 3")));
  EXPECT_THAT(Said(Read(InJob("", "count = 1\n", ""))), IsEmpty());
}

TEST(JobFile, ATaskOfAJobNeedsNoGroup) {
  const JobFile file = Read("job \"j\" {\n" + Task("") + "}\n");
  EXPECT_THAT(Said(file), IsEmpty());
  EXPECT_EQ(file.config.job().group(), "t");
}

TEST(JobFile, OtherDriversAndTypesAreRefused) {
  EXPECT_THAT(Said(Read("task \"t\" {\n driver = \"docker\"\n config {\n command = \"x\"\n}\n}\n")),
              ElementsAre(HasSubstr("2: Unknown driver")));
  EXPECT_THAT(Said(Read("task \"t\" {\n config {\n command = \"x\"\n}\n}\n")),
              ElementsAre(HasSubstr("1: Missing required argument")));
  EXPECT_THAT(Said(Read(InJob("type = \"system\"\n", "", ""))),
              ElementsAre(HasSubstr("~2"), HasSubstr("2: Not available yet")));
}

TEST(JobFile, RestartIsTakenOnlyAsNone) {
  EXPECT_THAT(Said(Read(Task("restart {\n attempts = 0\n mode = \"fail\"\n}\n"))), IsEmpty());
  EXPECT_THAT(Said(Read(Task("restart {\n attempts = 2\n mode = \"delay\"\n}\n"))),
              ElementsAre(HasSubstr("attempts = 0"), HasSubstr("must be \"fail\"")));
  EXPECT_THAT(Said(Read(Task("restart {}\n"))), ElementsAre(HasSubstr("attempts = 0")));
}

TEST(JobFile, DurationsNeedAUnit) {
  EXPECT_EQ(Read(Task("kill_timeout = \"1.5s\"\n")).config.kill_timeout().nanos(), 500000000);
  EXPECT_THAT(Said(Read(Task("kill_timeout = \"5\"\n"))),
              ElementsAre(HasSubstr("6: Invalid duration")));
  EXPECT_THAT(Said(Read(Task("kill_timeout = \"48h\"\n"))), ElementsAre(HasSubstr("at most 24 h")));
  EXPECT_THAT(Said(Read(Task("kill_timeout = \"-1s\"\n"))),
              ElementsAre(HasSubstr("Must not be negative")));
}

TEST(JobFile, ZeroIsNoDefault) {
  EXPECT_THAT(Said(Read(Task("resources {\n memory = 0\n}\n"))),
              ElementsAre(HasSubstr("7: Invalid memory")));
}

TEST(JobFile, ViolationsStandAtTheElementTheyAreAbout) {
  const JobFile file =
      Read(Task("env {\n  A = \"ok\"\n  BAD-NAME = \"x\"\n}\nkill_signal = \"SIGFOO\"\n",
                "cap_add = [\n\"chown\",\n\"nonsense\",\n]\nwork_dir = \"rel\"\n"));
  EXPECT_THAT(Said(file), ElementsAre(HasSubstr("7: Invalid config.cap_add[1]"),
                                      HasSubstr("9: Invalid config.work_dir"),
                                      HasSubstr("13: Invalid env[BAD-NAME]"),
                                      HasSubstr("15: Invalid kill_signal")));
}

TEST(JobFile, WhatAServerSaysStandsAtItsPlaceToo) {
  JobFile file = Read(Task("", "args = [\"a\", \"${attr.nope}\"]\n"));
  EXPECT_THAT(Said(file), IsEmpty());
  AddViolations({{"config.args[1]", "'attr.nope' is not known here"}, {"elsewhere", "is wrong"}},
                &file);
  EXPECT_THAT(Said(file), ElementsAre("0: Invalid elsewhere: Is wrong.",
                                      "5: Invalid config.args[1]: 'attr.nope' is not known here."));
}

TEST(JobFile, VariablesAndLocalsAreKnownEverywhere) {
  const std::string text =
      "variable \"memory\" {\n type = number\n default = 100\n}\n"
      "variable \"who\" {}\n"
      "locals {\n greeting = \"hello ${var.who} on ${node.unique.name}\"\n}\n" +
      Task("resources {\n memory = var.memory\n}\n", "args = [local.greeting]\n");
  const JobFile file = Read(text, {{"who", "you"}});
  EXPECT_THAT(Said(file), IsEmpty());
  EXPECT_EQ(file.config.resources().memory(), 100);
  EXPECT_THAT(file.config.config().args(), ElementsAre("hello you on ${node.unique.name}"));
  EXPECT_THAT(Said(Read(text)), ElementsAre(HasSubstr("5: No value for required variable")));
}

TEST(JobFile, ReferencesAreRefusedWhereNothingReplacesThem) {
  EXPECT_THAT(Said(Read(Task("meta {\n a = \"${attr.x}\"\n}\n"))),
              ElementsAre(HasSubstr("7: Value known only on the node")));
  EXPECT_THAT(Read(Task("meta {\n a = \"$${x}\"\n}\n")).config.meta(),
              ElementsAre(Pair("a", "${x}")));
}

TEST(JobFile, UnknownReferencesAreErrors) {
  EXPECT_THAT(Said(Read(Task("", "args = [\"${nonsense}\", \"${HOME2}\"]\n"))),
              ElementsAre(HasSubstr("5: "), HasSubstr("5: ")));
}

TEST(JobFile, TheJsonFormIsTheSame) {
  const JobFile file = Read(
      R"({"variable": {"n": {"default": "7"}},
 "job": {"j": {"datacenters": ["dc1"], "group": {"g": {"task": {"t": {
  "driver": "exec",
  "env": {"A": "1"},
  "config": {"command": "/bin/echo", "args": ["${var.n}", "${attr.cpu.arch}"]},
  "resources": {"memory": 64}
 }}}}}}})",
      {}, "job.json");
  EXPECT_THAT(Said(file), ElementsAre(HasSubstr("~2: ")));
  EXPECT_EQ(file.config.job().id(), "j");
  EXPECT_THAT(file.config.env(), ElementsAre(Pair("A", "1")));
  EXPECT_THAT(file.config.config().args(), ElementsAre("7", "${attr.cpu.arch}"));
  EXPECT_EQ(file.config.resources().memory(), 64);
}

TEST(JobFile, DynamicBlocksAreWhatTheyStandFor) {
  const JobFile file =
      Read(Task("dynamic \"constraint\" {\n for_each = [\"a\", \"b\"]\n content {\n attribute = "
                "\"${meta.x}\"\n value = constraint.value\n}\n}\n"));
  EXPECT_THAT(Said(file), IsEmpty());
  ASSERT_EQ(file.config.constraints_size(), 2);
  EXPECT_EQ(file.config.constraints(1).value(), "b");
}

TEST(JobFile, WhatIsNoJobFileSaysWhatOneIs) {
  EXPECT_THAT(Said(Read("")),
              ElementsAre(HasSubstr("A file has a job block, or a task block alone")));
  EXPECT_THAT(Said(Read("{}", {}, "x.json")), ElementsAre(HasSubstr("A file has a job block")));
  EXPECT_THAT(Said(Read("jobb \"x\" {}\n")), ElementsAre(HasSubstr("Did you mean \"job\"?")));
  EXPECT_THAT(Said(Read("job \"x\" {}\n")), ElementsAre(HasSubstr("A job has a group block")));
  EXPECT_THAT(Said(Read("job \"x\" {\ngroup \"g\" {}\n}\n")),
              ElementsAre(HasSubstr("A group has a task block")));
  EXPECT_THAT(Said(Read("task \"x\" {\ndriver = \"exec\"\n}\n")),
              ElementsAre(HasSubstr("Missing config block")));
  EXPECT_THAT(Said(Read("\x7f\xff")), Not(IsEmpty()));
}

TEST(JobFile, WhatMayStandInThePartThatCannotBeParsedIsNotMissed) {
  EXPECT_THAT(Said(Read("task \"t\" {\n driver = \"exec\"\n config {\n command = \"\\q\"\n}\n}\n")),
              ElementsAre(HasSubstr("4: Invalid escape sequence")));
}

TEST(JobFile, EverythingWrongIsToldAtOnceInTheOrderOfTheFile) {
  const JobFile file = Read(Task("user = [1]\nnetwork {}\nkill_timeout = \"soon\"\n",
                                 "pid_mode = \"shared\"\ncap_drop = [\"x\"]\n"));
  EXPECT_THAT(Said(file), ElementsAre(HasSubstr("5: Invalid config.pid_mode"),
                                      HasSubstr("6: Invalid config.cap_drop[0]"),
                                      HasSubstr("8: Incorrect attribute value type"),
                                      HasSubstr("9: "), HasSubstr("10: Invalid duration")));
}

}  // namespace
}  // namespace cloister::jobspec
