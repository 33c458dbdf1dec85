// At privileges, at other processes and at what tasks could share.
#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "libs/capability/names.h"
#include "tests/attack/attack_fixture.h"
#include "tests/attack/call_refusal.h"
#include "tests/attack/effort.h"
#include "tools/cloister/dev_processes.h"

namespace cloister {
namespace {

using testing::HasSubstr;
using testing::Not;

class ProcessAttack : public AttackTest {
 protected:
  // A user cannot empty a directory of what belongs to the user's other ids.
  bool SharesItsCluster() const override { return !IsRootless(); }

  std::map<std::string, std::string> StatusOfTask(TaskOutcome* outcome) {
    *outcome = Run(Command({Payload("print_status")}));
    std::map<std::string, std::string> fields;
    for (absl::string_view line : absl::StrSplit(outcome->out, '\n')) {
      const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(":\t", 1));
      if (parts.size() == 2) fields[parts[0]] = parts[1];
    }
    return fields;
  }

  // Root holds what the node gives by default; of ids of its own, over those alone.
  bool HoldsCapabilities() const { return GetParam().user == "root"; }

  std::vector<pid_t> Services() {
    std::vector<pid_t> pids;
    const auto found = FindDevProcesses(cluster().layout().directory);
    EXPECT_THAT(found, IsOk());
    if (!found.ok()) return pids;
    for (const DevProcessFound& service : *found) pids.push_back(service.pid);
    return pids;
  }

  absl::Status Put(const std::string& id, const std::string& path) {
    v1::PutFileRequest::Header header;
    header.set_task_id(id);
    header.set_path(path);
    return cluster()
        .client()
        .PutFile(header,
                 [](std::string* piece) {
                   piece->clear();
                   return absl::OkStatus();
                 })
        .status();
  }

  // Nothing in what a hunt says it caught.
  void ExpectNothingCaught(const std::string& out) {
    const std::map<std::string, long> caught = Numbers(out);
    ASSERT_EQ(caught.count("taken"), 1u) << out;
    for (const char* what : {"trace", "memory", "environment", "program", "overwrite", "root",
                             "directory", "descriptors", "taken"}) {
      EXPECT_EQ(caught.at(what), 0) << what;
    }
  }
};

// caps-exact (CVE-2019-12618).
TEST_P(ProcessAttack, CapabilitiesAreExactlyThoseOfTheFence) {
  TaskOutcome outcome;
  const auto status = StatusOfTask(&outcome);
  const v1::Fence& fence = outcome.task.fence();
  const auto bits = [](const google::protobuf::RepeatedPtrField<std::string>& names) {
    uint64_t set = 0;
    for (const std::string& name : names) {
      const auto number = capability::NumberOf(name);
      EXPECT_TRUE(number.has_value()) << name;
      if (number.has_value()) set |= uint64_t{1} << *number;
    }
    return absl::StrCat(absl::Hex(set, absl::kZeroPad16));
  };
  EXPECT_EQ(status.at("CapEff"), bits(fence.effective_capabilities()));
  EXPECT_EQ(status.at("CapPrm"), status.at("CapEff"));
  EXPECT_EQ(status.at("CapBnd"), bits(fence.bounding_capabilities()));
  EXPECT_EQ(status.at("NoNewPrivs"), "1");
  if (!HoldsCapabilities()) {
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
      EXPECT_EQ(status.at(set), "0000000000000000") << set;
    }
  }
}

// setuid (CVE-2019-14803), and file capabilities.
TEST_P(ProcessAttack, ASetuidProgramAndOneWithCapabilitiesGiveNothing) {
  const std::string program = absl::StrCat(data(), "/privileged");
  std::ofstream(program) << std::ifstream(HostPayload("print_status")).rdbuf();
  ASSERT_EQ(chmod(program.c_str(), 06755), 0);
  // VFS_CAP_REVISION_2, effective, all of the first 32.
  const uint32_t capabilities[5] = {0x02000001, ~0u, 0, 0, 0};
  if (!IsRootless()) {
    ASSERT_EQ(
        setxattr(program.c_str(), "security.capability", capabilities, sizeof(capabilities), 0), 0);
  }
  TaskOutcome outcome;
  const auto before = StatusOfTask(&outcome);
  v1::StartTaskRequest request = Command({"/srv/privileged"});
  MountData("/srv", &request);
  const std::string out = Run(request).out;
  for (const char* field : {"Uid", "Gid", "CapInh", "CapPrm", "CapEff", "CapAmb"}) {
    EXPECT_THAT(out, HasSubstr(absl::StrCat("\n", field, ":\t", before.at(field), "\n")));
  }
}

// ptrace-joiner, joiner-exe-overwrite, joiner-fd-steal (CVE-2016-9962, CVE-2019-5736,
// CVE-2024-21626): the task goes at all that is not its own, while the API enters it again and
// again.
TEST_P(ProcessAttack, NothingOfOursThatEntersIsCaught) {
  std::map<std::string, size_t> programs;
  for (const char* variable :
       {"CLOISTER_TEST_EXECUTOR", "CLOISTER_TEST_LAUNCHER", "CLOISTER_TEST_FRONTEND"}) {
    programs[getenv(variable)] = HashOfFile(getenv(variable));
  }
  v1::StartTaskRequest request = Command({Payload("attack"), "hunt", "/srv/stop"});
  MountData("/srv", &request);
  const std::string id = StartUntil(request, "hunting\n");
  long entered = 0;
  for (long i = 0; i < Effort(20, 2000); ++i) {
    entered += Put(id, absl::StrCat("/local/", i % 100)).ok() ? 1 : 0;
  }
  // A node's root is entered as by nobody.
  if (GetParam().name != "Uid0") {
    EXPECT_GT(entered, 0);
  }
  std::ofstream(absl::StrCat(data(), "/stop")) << "x";
  const std::string out = Await(id);
  ExpectNothingCaught(out);
  Destroy(id);
  for (const auto& [program, hash] : programs) EXPECT_EQ(HashOfFile(program), hash) << program;
  ReportEffort("ptrace-joiner", GetParam().name.c_str(), "entered", entered);
  ReportEffort("ptrace-joiner", GetParam().name.c_str(), "rounds", Numbers(out)["rounds"]);
}

// cross-task kill and environ (CVE-2021-3283), and signals to the host and to our services.
TEST_P(ProcessAttack, NoProcessBeyondTheTaskIsSignalledOrLookedInto) {
  v1::StartTaskRequest holder = Command({Payload("sleep_forever")});
  (*holder.mutable_config()->mutable_env())["SECRET"] = canaries().secret();
  const absl::StatusOr<v1::Task> other = cluster().client().StartTask(holder);
  ASSERT_THAT(other, IsOk());
  std::vector<std::string> words = {Payload("attack"), "signal"};
  words.push_back(absl::StrCat(canaries().victim()));
  words.push_back(absl::StrCat(other->pid()));
  for (pid_t pid : Services()) words.push_back(absl::StrCat(pid));
  EXPECT_EQ(Run(Command(words)).out, "signalled 0\n");
  ExpectNothingCaught(Run(Command({Payload("attack"), "hunt"})).out);
  const TaskOutcome outcome =
      Run(Sh("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; echo; echo done"));
  EXPECT_THAT(outcome.out, HasSubstr("done\n"));
  EXPECT_THAT(outcome.out, Not(HasSubstr(canaries().secret())));
  const absl::StatusOr<v1::Task> still = cluster().client().GetTask(other->id());
  ASSERT_THAT(still, IsOk());
  EXPECT_EQ(still->state(), v1::TASK_STATE_RUNNING);
  Destroy(other->id());
}

bool LandlockScopesSockets() {
  return !IsRefused("landlock_create_ruleset") &&
         syscall(SYS_landlock_create_ruleset, nullptr, size_t{0},
                 LANDLOCK_CREATE_RULESET_VERSION) >= 6;
}

// cross-task shm and abstract sockets, and the rest of what is shared by name.
TEST_P(ProcessAttack, NothingThatAnotherTaskSharesByNameIsThere) {
  const std::string name = absl::StrCat("attack-", RandomId());
  const std::string key = absl::StrCat(0x10000 + getpid());
  const std::string id = StartUntil(Command({Payload("attack"), "ipc-hold", key, name}), "ready\n");
  std::map<std::string, long> errors =
      Numbers(Run(Command({Payload("attack"), "ipc", key, name})).out);
  EXPECT_EQ(errors.size(), 9u);
  for (const auto& [what, error] : errors) {
    // Known and said: the network namespace is the node's.
    if (what == "abstract_socket" && !LandlockScopesSockets()) continue;
    EXPECT_EQ(error, what == "abstract_socket" ? EPERM : ENOENT) << what;
  }
  Destroy(id);
}

// tiocsti incl. high bits; io_uring, bpf, keyctl, userns and mount calls on all three ABIs.
TEST_P(ProcessAttack, CallsAreRefusedOnAllThreeAbis) {
  long refused = 0;
  const std::string out = Run(Command({Payload("refused_calls")})).out;
  for (absl::string_view line : absl::StrSplit(out, '\n', absl::SkipEmpty())) {
    // Root may change its root.
    if (HoldsCapabilities() && absl::StrContains(line, " chroot ")) continue;
    const bool is_refused = absl::EndsWith(line, absl::StrCat(" ", EPERM)) ||
                            absl::EndsWith(line, absl::StrCat(" ", ENOSYS)) ||
                            absl::EndsWith(line, " killed");
    EXPECT_TRUE(is_refused) << line;
    ++refused;
  }
  EXPECT_GT(refused, 100);
  ReportEffort("calls-of-three-abis", GetParam().name.c_str(), "refused", refused);
}

// cgroup writes (CVE-2022-0492, CVE-2023-25809), and everything else that mounts or writes could
// open.
TEST_P(ProcessAttack, NothingIsMountedAndNoFileOfTheKernelsIsWritten) {
  const std::map<std::string, long> errors =
      Numbers(Run(Command({Payload("attack"), "mounts"})).out);
  EXPECT_EQ(errors.size(), 20u);
  for (const auto& [what, error] : errors) EXPECT_NE(error, 0) << what;
  const TaskOutcome outcome =
      Run(Command({Payload("attack"), "writable", "/sys", "/proc/sys", "/proc/sysrq-trigger",
                   "/proc/irq", "/proc/bus", "/proc/fs", "/etc", "/payloads"}));
  EXPECT_THAT(outcome.out, Not(HasSubstr("open ")));
  EXPECT_GT(Numbers(outcome.out)["checked"], 1000);
  for (absl::string_view line : absl::StrSplit(
           Run(Command({Payload("attack"), "writable", "/dev"})).out, '\n', absl::SkipEmpty())) {
    if (!absl::StartsWith(line, "open ")) continue;
    EXPECT_THAT(std::string(line.substr(5)), testing::AnyOf("/dev/null", "/dev/zero", "/dev/full",
                                                            "/dev/random", "/dev/urandom"));
  }
}

// Of what a process may write about itself, nothing makes it more than it is.
TEST_P(ProcessAttack, WhatATaskWritesAboutItselfGainsNothing) {
  const std::string out =
      Run(Sh("exec 2>/dev/null; cd /proc/self; (echo -1000 >oom_score_adj) && echo spared;"
             "(echo 0 0 1 >uid_map) && echo mapped; (echo x >/dev/kmsg) && echo logged;"
             "(echo -17 >/proc/1/oom_adj) && echo spared init; ulimit -c unlimited && echo dumps;"
             "(echo 0 >/proc/self/loginuid) && echo login; nice -n -20 true && nice -n -20 nice;"
             "echo done"))
          .out;
  EXPECT_THAT(out, HasSubstr("done\n"));
  for (const char* what : {"spared", "mapped", "logged", "dumps"}) {
    EXPECT_THAT(out, Not(HasSubstr(what)));
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, ProcessAttack, testing::ValuesIn(Cells()), CellName);

}  // namespace
}  // namespace cloister
