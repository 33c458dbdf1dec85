// What the exec driver's own tests assert of it, from task files on real clusters. Exec sessions,
// DNS, devices and statistics are tested where they are made.
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/conformance/conformance_fixture.h"
#include "tests/testing/leftovers.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class Driver : public ConformanceTest {
 protected:
  // The id of a task started with --detach, once its stdout begins with "ready".
  static std::string Detached(const std::string& text) {
    const Said said = Cloister("run", text, kDefaultPolicy, {"--detach"});
    EXPECT_EQ(said.code, 0) << said.err;
    const std::string id(absl::StripSuffix(said.out, "\n"));
    v1::ReadLogsRequest request;
    request.set_task_id(id);
    request.set_stream(v1::LOG_STREAM_STDOUT);
    request.set_follow(true);
    std::string seen;
    EXPECT_THAT(Client().ReadLogs(request,
                                  [&](absl::string_view piece) {
                                    absl::StrAppend(&seen, piece);
                                    return seen.size() >= 5 ? absl::CancelledError("seen")
                                                            : absl::OkStatus();
                                  }),
                StatusIs(absl::StatusCode::kCancelled));
    return id;
  }

  static cloister::Client& Client() { return Cluster(kDefaultPolicy)->client(); }

  static v1::Task Stopped(const std::string& id, const std::string& signal, int64_t seconds) {
    v1::StopTaskRequest request;
    request.set_request_id(RandomId());
    request.set_task_id(id);
    request.set_signal(signal);
    request.mutable_grace()->set_seconds(seconds);
    EXPECT_THAT(Client().StopTask(request), IsOk());
    absl::StatusOr<v1::Task> task = Client().WaitTask(id);
    EXPECT_THAT(task, IsOk());
    return task.ok() ? *task : v1::Task();
  }

  static void ExpectNothingLeft(const std::string& policy = kDefaultPolicy) {
    EXPECT_THAT(FindTaskLeftovers(Cluster(policy)->layout(), 1), IsOkAndHolds(IsEmpty()));
  }
};

TEST_F(Driver, IsHealthyAndSaysSo) {
  const auto node = Client().GetNode("node-1");
  ASSERT_THAT(node, IsOk());
  EXPECT_EQ(node->attributes().at("attr.driver.exec"), "1");
  EXPECT_EQ(node->state(), v1::NODE_STATE_READY);
}

TEST_F(Driver, WorksInTheWorkDir) {
  EXPECT_EQ(
      Run(ScriptFile("echo found > foo.txt; cat /local/foo.txt; pwd", "work_dir = \"/local\"")).out,
      "found\n/local\n");
}

TEST_F(Driver, StartsABareNameAndWaits) {
  const Said said = Run(TaskFile("command = \"cat\"\nargs = [\"/proc/self/cgroup\"]"));
  EXPECT_EQ(said.code, 0) << said.err;
  ExpectNothingLeft();
}

TEST_F(Driver, AStoppedTaskHasFailedAndIsDestroyed) {
  const std::string id = Detached(ScriptFile("echo ready; sleep 600"));
  const v1::Task task = Stopped(id, "SIGINT", 2);
  EXPECT_EQ(task.state(), v1::TASK_STATE_EXITED);
  EXPECT_NE(task.exit_result().signal() + task.exit_result().exit_code(), 0);
  EXPECT_THAT(Cluster(kDefaultPolicy)->Destroy(id), IsOk());
  ExpectNothingLeft();
}

TEST_F(Driver, SigkillIsReportedAsIt) {
  const std::string id = Detached(ScriptFile("echo ready; exec sleep 600"));
  const v1::Task task = Stopped(id, "SIGKILL", 2);
  EXPECT_EQ(task.exit_result().signal(), SIGKILL);
  EXPECT_EQ(task.state(), v1::TASK_STATE_EXITED);
  EXPECT_THAT(Cluster(kDefaultPolicy)->Destroy(id), IsOk());
}

TEST_F(Driver, ATaskOutlivesTheExecutorAndIsFoundAgain) {
  const std::string id = Detached(ScriptFile("echo ready; sleep 600"));
  LocalCluster* const cluster = Cluster(kDefaultPolicy);
  ASSERT_THAT(cluster->KillExecutor(1), IsOk());
  ASSERT_THAT(cluster->StartExecutor(1), IsOk());
  const auto task = Client().GetTask(id);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->state(), v1::TASK_STATE_RUNNING);
  EXPECT_EQ(Stopped(id, "", 0).state(), v1::TASK_STATE_EXITED);
  EXPECT_THAT(cluster->Destroy(id), IsOk());
  ExpectNothingLeft();
}

TEST_F(Driver, AStartThatFailsLeavesNoProcess) {
  const Said said = Run(TaskFile("command = \"force-an-error\""));
  EXPECT_EQ(said.code, 125);
  EXPECT_THAT(said.err, HasSubstr("force-an-error"));
  ExpectNothingLeft();
}

TEST_F(Driver, ChildrenEndWithTheTask) {
  const Said said = Run(ScriptFile("sleep 3600 & sleep 3600 & ls -d /proc/[0-9]* | wc -l"));
  EXPECT_EQ(said.code, 0) << said.err;
  // init, the shell, two sleepers, ls and wc, which may be gone or not be there yet.
  EXPECT_GE(std::stoi(said.out), 5);
  ExpectNothingLeft();
}

TEST_F(Driver, AllocIsTheTasksToWrite) {
  EXPECT_EQ(
      Run(ScriptFile("printf win >/alloc/output.txt && printf ' again' >/alloc/data/output.txt && "
                     "cat $NOMAD_ALLOC_DIR/output.txt $NOMAD_ALLOC_DIR/data/*"))
          .out,
      "win again");
}

TEST_F(Driver, AnUnknownUserIsNamed) {
  const Said said = Run(ScriptFile("echo never", "", "user = \"alice\""));
  EXPECT_NE(said.code, 0);
  EXPECT_EQ(said.out, "");
  EXPECT_THAT(said.err, HasSubstr("alice"));
}

TEST_F(Driver, OneDirectoryIsMountedReadOnlyAndWritable) {
  const std::string directory = VolumeDirectory("data");
  std::ofstream(directory + "/file") << "from-host\n";
  ASSERT_EQ(chmod((directory + "/file").c_str(), 0666), 0);
  const Said said = Run(ScriptFile(
      "cat /ro/file /rw/file; (echo x > /ro/file) 2>&1 | grep -o Read-only.*; "
      "(echo x > /ro/new) 2>&1 | grep -o Read-only.*; echo over > /rw/file; echo from-exec > "
      "/rw/new; cat /ro/file /ro/new",
      "",
      "volume_mount {\n volume = \"data\"\n destination = \"/ro\"\n read_only = true\n}\n"
      "volume_mount {\n volume = \"data\"\n destination = \"/rw\"\n}\n",
      "volume \"data\" {\n type = \"host\"\n source = \"data\"\n}\n"));
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(
      said.out,
      "from-host\nfrom-host\nRead-only file system\nRead-only file system\nover\nfrom-exec\n");
  std::ifstream made(directory + "/new");
  std::ostringstream text;
  text << made.rdbuf();
  EXPECT_EQ(text.str(), "from-exec\n");
}

TEST_F(Driver, RunsWithoutPivotRoot) {
  EXPECT_EQ(Run(ScriptFile("echo ran"), kNoPivotRoot).out, "ran\n");
  ExpectNothingLeft(kNoPivotRoot);
}

TEST_F(Driver, MemoryBeyondTheLimitEndsTheTaskAndIsSaid) {
  const Said said = Cloister(
      "run", TaskFile("command = \"tail\"\nargs = [\"/dev/zero\"]", "resources {\n memory = 16\n}"),
      kDefaultPolicy, {"--verbose"});
  EXPECT_EQ(said.code, 137);
  EXPECT_THAT(said.err, HasSubstr("out of memory"));
}

TEST_F(Driver, ValuesThatAreNoneAreRefusedAllAtOnce) {
  const Said said =
      Cloister("validate", TaskFile("command = \"x\"\npid_mode = \"other\"\nipc_mode = \"other\"\n"
                                    "cap_add = [\"not_valid\"]\ncap_drop = [\"not_valid\"]\n"
                                    "work_dir = \"foo/bar\""));
  EXPECT_EQ(said.code, 2);
  for (const char* field : {"pid_mode", "ipc_mode", "cap_add[0]", "cap_drop[0]", "work_dir"}) {
    EXPECT_THAT(said.err, HasSubstr(absl::StrCat("Invalid config.", field)));
  }
  EXPECT_THAT(said.err, AllOf(HasSubstr("5 problems"), HasSubstr("'not_valid' is not a Linux"),
                              HasSubstr("relative path 'foo/bar'")));
}

TEST_F(Driver, ValuesThatAreRightAreTaken) {
  for (const char* config :
       {"pid_mode = \"host\"\nipc_mode = \"private\"", "pid_mode = \"\"\nipc_mode = \"host\"",
        "cap_add = [\"CAP_CHOWN\", \"Kill\"]\ncap_drop = [\"all\"]", "work_dir = \"/foo\""}) {
    const Said said = Cloister("validate", TaskFile(absl::StrCat("command = \"x\"\n", config)));
    EXPECT_EQ(said.code, 0) << said.err;
  }
}

// A policy that cloister-executor is asked to judge, in the words of the driver's configuration.
Said Judged(const std::string& policy) {
  const auto path = WriteTestFile(absl::StrCat("judged-", RandomId(), ".hcl"), policy);
  EXPECT_THAT(path, IsOk());
  const absl::StatusOr<Said> said =
      RunTestProgram("CLOISTER_TEST_EXECUTOR",
                     {"--node_id=judge", absl::StrCat("--state_dir=", testing::TempDir(), "/judge"),
                      absl::StrCat("--run_dir=", testing::TempDir(), "/judge-run"),
                      "--listen=unix:/tmp/judge.sock",
                      absl::StrCat("--launcher_path=", getenv("CLOISTER_TEST_LAUNCHER")),
                      absl::StrCat("--policy=", *path), "--validate_config"});
  EXPECT_THAT(said, IsOk());
  return said.ok() ? *said : Said();
}

TEST_F(Driver, DeniedIdsAreRangesInOrder) {
  EXPECT_EQ(Judged("denied_host_uids = \"\"\ndenied_host_gids = \"\"\n").code, 0);
  EXPECT_EQ(Judged("denied_host_uids = \"1-10\"\n").code, 0);
  const Said uids = Judged("denied_host_uids = \"10-1\"\n");
  EXPECT_EQ(uids.code, 2);
  EXPECT_THAT(uids.err, AllOf(HasSubstr("deniedHostUIDs"), HasSubstr("lower bound")));
  const Said gids = Judged("denied_host_gids = \"10-1\"\n");
  EXPECT_EQ(gids.code, 2);
  EXPECT_THAT(gids.err, AllOf(HasSubstr("deniedHostGIDs"), HasSubstr("lower bound")));
}

TEST_F(Driver, ADeniedUserRunsNothing) {
  const Said said = Run(ScriptFile("echo never"), kNobodyDenied);
  EXPECT_EQ(said.code, 125);
  EXPECT_EQ(said.out, "");
  EXPECT_THAT(said.err, HasSubstr("65534"));
}

TEST_F(Driver, DefaultModesAndAllowedCapabilitiesAreChecked) {
  for (const char* policy :
       {"default_pid_mode = \"host\"", "default_pid_mode = \"private\"",
        "default_ipc_mode = \"host\"", "default_ipc_mode = \"private\"", "allow_caps = []",
        "allow_caps = [\"all\"]", "allow_caps = [\"CHOWN\", \"cap_chown\", \"CAP_Kill\"]"}) {
    EXPECT_EQ(Judged(absl::StrCat(policy, "\n")).code, 0) << policy;
  }
  for (const char* mode : {"default_pid_mode", "default_ipc_mode"}) {
    const Said said = Judged(absl::StrCat(mode, " = \"other\"\n"));
    EXPECT_EQ(said.code, 2);
    EXPECT_THAT(said.err,
                HasSubstr(absl::StrCat(mode, " must be \"private\" or \"host\", got \"other\"")));
  }
  const Said caps = Judged("allow_caps = [\"not_valid\"]\n");
  EXPECT_EQ(caps.code, 2);
  EXPECT_THAT(caps.err, HasSubstr("not_valid"));
}

struct CapabilityCase {
  const char* name;
  const char* policy;
  const char* config;
  // Empty: it starts.
  const char* refused;
};

void PrintTo(const CapabilityCase& c, std::ostream* os) { *os << c.config; }

class DriverCapabilities : public ConformanceTest,
                           public testing::WithParamInterface<CapabilityCase> {};

TEST_P(DriverCapabilities, AreAsAllowed) {
  const Said said = Run(ScriptFile("echo started", GetParam().config), GetParam().policy);
  if (*GetParam().refused == '\0') {
    EXPECT_EQ(said.code, 0) << said.err;
    EXPECT_EQ(said.out, "started\n");
  } else {
    EXPECT_EQ(said.code, 125) << said.err;
    EXPECT_EQ(said.out, "");
    EXPECT_THAT(said.err, HasSubstr(GetParam().refused));
  }
}

constexpr CapabilityCase kCapabilityCases[] = {
    {"DefaultListAddAllowed", kDefaultPolicy, "cap_add = [\"fowner\", \"mknod\"]", ""},
    {"DefaultListAddForbidden", kDefaultPolicy, "cap_add = [\"net_admin\"]", "net_admin"},
    {"DefaultListDropExisting", kDefaultPolicy, "cap_drop = [\"fowner\", \"mknod\"]", ""},
    {"FewDropAll", kFewAllowed, "cap_drop = [\"all\"]", ""},
    {"FewAddAllowed", kFewAllowed, "cap_drop = [\"all\"]\ncap_add = [\"fowner\", \"mknod\"]", ""},
    {"FewAddForbidden", kFewAllowed, "cap_drop = [\"all\"]\ncap_add = [\"net_admin\", \"mknod\"]",
     "net_admin"},
    {"FewAddSeveralForbidden", kFewAllowed,
     "cap_drop = [\"all\"]\ncap_add = [\"net_admin\", \"sys_time\", \"mknod\"]",
     "net_admin, sys_time"},
    {"AllAllowedAdd", kAllAllowed, "cap_add = [\"net_admin\", \"mknod\"]", ""},
    {"AllAllowedAddAll", kAllAllowed, "cap_add = [\"all\"]", ""},
};

INSTANTIATE_TEST_SUITE_P(Driver, DriverCapabilities, testing::ValuesIn(kCapabilityCases),
                         [](const testing::TestParamInfo<CapabilityCase>& info) {
                           return info.param.name;
                         });

}  // namespace
}  // namespace cloister
