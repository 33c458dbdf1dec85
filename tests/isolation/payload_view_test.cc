// What a payload sees of itself and of the node, on the real kernel, through the whole of Cloister:
// exactly what was planned and nothing else. A new line in any of these lists is a decision, not an
// accident.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/local_cluster.h"

namespace cloister {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class PayloadView : public ClusterTest {
 protected:
  bool SharesItsCluster() const override { return true; }

  v1::StartTaskRequest Request(const std::vector<std::string>& command) {
    v1::StartTaskRequest request;
    request.set_request_id(RandomId());
    request.mutable_config()->mutable_config()->set_command(command[0]);
    for (size_t i = 1; i < command.size(); ++i)
      request.mutable_config()->mutable_config()->add_args(command[i]);
    return request;
  }

  TaskOutcome Run(const v1::StartTaskRequest& request) {
    absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
    EXPECT_THAT(outcome, IsOk());
    return outcome.ok() ? *outcome : TaskOutcome();
  }

  TaskOutcome Run(const std::vector<std::string>& command) { return Run(Request(command)); }

  std::vector<std::string> Lines(const std::string& text) {
    return absl::StrSplit(text, '\n', absl::SkipEmpty());
  }

  // "Name:\tvalue" lines of print_status.
  std::map<std::string, std::string> Status(const v1::StartTaskRequest& request) {
    std::map<std::string, std::string> fields;
    for (const std::string& line : Lines(Run(request).out)) {
      const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(":\t", 1));
      if (parts.size() == 2) fields[parts[0]] = parts[1];
    }
    return fields;
  }
};

TEST_F(PayloadView, HasThreeDescriptors) {
  EXPECT_THAT(
      Lines(Run({Payload("print_fds")}).out),
      ElementsAre(MatchesRegex("0 device read .*/dev/null"), MatchesRegex("1 pipe write pipe:.*"),
                  MatchesRegex("2 pipe write pipe:.*")));
}

TEST_F(PayloadView, CanReopenItsOutputByName) {
  EXPECT_EQ(Run({"/bin/sh", "-c", "echo a >/dev/stdout; echo b >/dev/fd/2; exit 3"}).out, "a\n");
}

TEST_F(PayloadView, SeesOnlyTheMountsOfItsRoot) {
  std::set<std::string> points;
  for (const std::string& line : Lines(Run({Payload("print_mounts")}).out)) {
    const std::vector<std::string> fields = absl::StrSplit(line, ' ');
    ASSERT_GT(fields.size(), 6u);
    points.insert(fields[4]);
    const std::string& options = fields[5];
    EXPECT_THAT(options, HasSubstr("nosuid")) << line;
    // A device node can be opened on /dev and /dev/pts alone, and on our /dev/null that hides a
    // file.
    const bool devices = fields[4] == "/dev" || fields[4] == "/dev/pts" || fields[3] == "/null" ||
                         fields[3] == "/.empty";
    EXPECT_EQ(absl::StrContains(options, "nodev"), !devices) << line;
    // Private: nothing comes in or goes out.
    EXPECT_THAT(
        line, Not(AnyOf(HasSubstr("shared:"), HasSubstr("master:"), HasSubstr("propagate_from:"))))
        << line;
    const std::set<std::string> writable = {"/alloc", "/dev/mqueue", "/dev/pts", "/dev/shm",
                                            "/local", "/proc",       "/secrets", "/tmp"};
    EXPECT_EQ(absl::StartsWith(options, "rw"), writable.count(fields[4]) == 1) << line;
  }
  for (const char* expected :
       {"/", "/alloc", "/secrets", "/dev", "/dev/mqueue", "/dev/pts", "/dev/shm", "/etc", "/local",
        "/payloads", "/proc", "/sys", "/tmp", "/usr"}) {
    EXPECT_EQ(points.count(expected), 1u) << expected;
  }
  for (const std::string& point : points) {
    EXPECT_THAT(
        point,
        MatchesRegex(
            "/|/"
            "(alloc|dev|etc|usr|proc|sys|lib|lib32|lib64|bin|sbin|run|payloads|local|secrets|tmp)"
            "(/.*)?"));
  }
}

TEST_F(PayloadView, RootHoldsNothingOfTheNodeElse) {
  const std::vector<std::string> names = Lines(Run({"/bin/ls", "/"}).out);
  EXPECT_THAT(names,
              Not(Contains(AnyOf("home", "root", "var", "srv", "opt", "boot", "mnt", "media"))));
  EXPECT_THAT(names, Contains("usr"));
}

TEST_F(PayloadView, RootIsTheseDirectories) {
  EXPECT_THAT(Lines(Run({"/bin/sh", "-c", "for e in /*; do test -L $e || echo $e; done"}).out),
              testing::IsSupersetOf({"/alloc", "/dev", "/etc", "/local", "/payloads", "/proc",
                                     "/secrets", "/sys", "/tmp", "/usr"}));
}

TEST_F(PayloadView, ItsDirectoriesAreItsUsersAndNobodyElses) {
  for (const char* user : {"", "1234:5678"}) {
    v1::StartTaskRequest request =
        Request({"/bin/sh", "-c", "stat -c '%n %u:%g %a' /local /tmp /secrets /alloc /alloc/*"});
    request.mutable_config()->set_user(user);
    const std::string owner = *user == '\0' ? "65534:65534" : user;
    EXPECT_THAT(
        Lines(Run(request).out),
        ElementsAre(absl::StrCat("/local ", owner, " 700"), absl::StrCat("/tmp ", owner, " 1777"),
                    absl::StrCat("/secrets ", owner, " 700"), "/alloc 0:0 1777",
                    absl::StrCat("/alloc/data ", owner, " 700"), "/alloc/logs 0:0 755",
                    absl::StrCat("/alloc/tmp ", owner, " 700")));
  }
}

TEST_F(PayloadView, WithoutInitTheCommandIsPid1AndItsEndIsTold) {
  v1::StartTaskRequest request = Request({"/bin/sh", "-c",
                                          "echo $$; cat /proc/1/comm; ls /proc/self/fd | wc -l; "
                                          "exit 7"});
  request.mutable_config()->mutable_config()->set_init(false);
  const TaskOutcome outcome = Run(request);
  // 0, 1, 2 and that of ls itself: nothing of init's is left.
  EXPECT_THAT(Lines(outcome.out), ElementsAre("1", "sh", "4"));
  EXPECT_EQ(outcome.task.exit_result().exit_code(), 7);

  request.set_request_id(RandomId());
  request.mutable_config()->mutable_config()->set_command("/nope");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("EXEC '/nope'")));
}

TEST_F(PayloadView, WithoutInitAStopKillsWhenItsGraceHasPassed) {
  v1::StartTaskRequest request = Request({"/bin/sleep", "600"});
  request.mutable_config()->mutable_config()->set_init(false);
  // The kernel drops a signal that a namespace's PID 1 has no handler for.
  request.mutable_config()->mutable_kill_timeout()->set_nanos(1000000);
  absl::StatusOr<v1::Task> task = cluster().client().StartTask(request);
  ASSERT_THAT(task, IsOk());
  v1::StopTaskRequest stop;
  stop.set_request_id(RandomId());
  stop.set_task_id(task->id());
  ASSERT_THAT(cluster().client().StopTask(stop), IsOk());
  absl::StatusOr<v1::Task> ended = cluster().client().WaitTask(task->id());
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->exit_result().signal(), SIGKILL);
  EXPECT_TRUE(ended->exit_result().killed_after_grace());
}

TEST_F(PayloadView, AllocIsOpenToTheTaskButForItsLogs) {
  EXPECT_THAT(Lines(Run({"/bin/sh", "-c",
                         "echo win >/alloc/output.txt; cat /alloc/output.txt; "
                         "echo x 2>/dev/null >/alloc/logs/x || echo shut; "
                         "mv /alloc/logs /alloc/moved 2>/dev/null || echo fixed"})
                        .out),
              ElementsAre("win", "shut", "fixed"));
}

TEST_F(PayloadView, SecretsAreMemoryOfTheSizeThatWasAsked) {
  v1::StartTaskRequest request =
      Request({"/bin/sh", "-c",
               "grep ' /secrets ' /proc/self/mountinfo; echo s >/secrets/s && cat /secrets/s"});
  request.mutable_config()->mutable_resources()->set_secrets(3);
  const std::vector<std::string> lines = Lines(Run(request).out);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], HasSubstr("rw,nosuid,nodev,noexec"));
  EXPECT_THAT(lines[0], MatchesRegex(".* - tmpfs .*size=3072k.*"));
  EXPECT_EQ(lines[1], "s");
}

TEST_F(PayloadView, ANarrowedRootHoldsWhatWasNamed) {
  v1::StartTaskRequest request = Request({"/payloads/print_mounts"});
  request.mutable_config()->mutable_config()->add_chroot_env("/payloads");
  TaskOutcome outcome = Run(request);
  EXPECT_THAT(outcome.out, HasSubstr(" /payloads "));
  EXPECT_THAT(outcome.out, Not(AnyOf(HasSubstr(" /usr "), HasSubstr(" /etc "))));
  for (const char* entry : {"/usr", "/lib", "/lib64", "/bin"}) {
    request.mutable_config()->mutable_config()->add_chroot_env(entry);
  }
  request.set_request_id(RandomId());
  outcome = Run(request);
  EXPECT_THAT(outcome.out, HasSubstr(" /usr "));
  EXPECT_THAT(outcome.out, Not(HasSubstr(" /etc ")));
  request.mutable_config()->mutable_config()->add_chroot_env("/home");
  request.set_request_id(RandomId());
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config.chroot_env[5]")));
}

TEST_F(PayloadView, ModesOfTheNodeAreRefusedUnlessItsPolicyAllowsThem) {
  v1::StartTaskRequest request = Request({"/bin/true"});
  request.mutable_config()->mutable_config()->set_pid_mode("host");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("pid_mode")));
  request = Request({"/bin/true"});
  request.mutable_config()->mutable_config()->set_ipc_mode("host");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("ipc_mode")));
}

TEST_F(PayloadView, AVolumeThatTheNodeDoesNotHaveIsNamed) {
  v1::StartTaskRequest request = Request({"/bin/true"});
  request.mutable_config()->add_volumes()->set_name("data");
  v1::VolumeMount* mount = request.mutable_config()->add_volume_mounts();
  mount->set_volume("data");
  mount->set_destination("/../etc");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("must not contain '..'")));
  mount->set_destination("/etc/ssl");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::AllOf(HasSubstr("volume_mounts[0].destination"),
                                      HasSubstr("this node has no host volume 'data'"))));
}

TEST_F(PayloadView, CommandIsFoundByItsNameAndToldByItsPath) {
  EXPECT_THAT(Run({"sh", "-c", "echo $0"}).out, AnyOf("/usr/bin/sh\n", "sh\n"));
  EXPECT_THAT(Lines(Run({"cat", "/proc/self/cmdline"}).out)[0], StartsWith("/usr/bin/cat"));
  EXPECT_THAT(Run({"usr/bin/id", "-u"}).out, "65534\n");
  EXPECT_THAT(cluster().Run({"/var/lib/nope"}).status(),
              StatusIs(testing::_, HasSubstr("EXEC '/var/lib/nope'")));
  EXPECT_THAT(cluster().Run({"nope"}).status(),
              StatusIs(testing::_, HasSubstr("'/local/nope', '/nope', '/usr/local/bin/nope', "
                                             "'/usr/bin/nope', '/bin/nope'")));
}

TEST_F(PayloadView, WorkDirectoryOfItsOwnIsMadeAndNoOther) {
  v1::StartTaskRequest request = Request({"/bin/sh", "-c", "pwd; stat -c %u ."});
  request.mutable_config()->mutable_config()->set_work_dir("/local/a/b");
  EXPECT_EQ(Run(request).out, "/local/a/b\n65534\n");
  for (const char* path : {"/nope", "/etc/nope", "/alloc/logs/nope", "/proc/self/cwd/nope"}) {
    request.set_request_id(RandomId());
    request.mutable_config()->mutable_config()->set_work_dir(path);
    EXPECT_THAT(cluster().Run(request).status(),
                StatusIs(testing::_, HasSubstr(absl::StrCat("CWD '", path, "'"))));
  }
}

TEST_F(PayloadView, MemoryMaxIsTheLimit) {
  v1::StartTaskRequest request = Request({Payload("allocate"), "96"});
  request.mutable_config()->mutable_resources()->set_memory(32);
  request.mutable_config()->mutable_resources()->set_memory_max(256);
  const TaskOutcome outcome = Run(request);
  EXPECT_EQ(outcome.task.exit_result().exit_code(), 0);
  EXPECT_EQ(outcome.task.fence().memory_limit_bytes(), 256u << 20);
}

TEST_F(PayloadView, HasNamespacesOfItsOwn) {
  for (const char* name : {"pid", "ipc", "mnt", "uts", "cgroup", "net", "user", "time"}) {
    char ours[64] = {};
    ASSERT_GT(readlink(absl::StrCat("/proc/self/ns/", name).c_str(), ours, sizeof(ours) - 1), 0);
    const std::string theirs = Run({"/bin/readlink", absl::StrCat("/proc/self/ns/", name)}).out;
    const bool shared = std::set<std::string>{"net", "user", "time"}.count(name) == 1;
    EXPECT_EQ(theirs == absl::StrCat(ours, "\n"), shared) << name << " " << ours << " " << theirs;
  }
}

TEST_F(PayloadView, SeesNoProcessesButItsOwn) {
  const std::vector<std::string> names = Lines(Run({"/bin/sh", "-c", "cd /proc; echo [0-9]*"}).out);
  EXPECT_THAT(names, ElementsAre("1 2"));
}

TEST_F(PayloadView, IsNobodyWithoutCapabilities) {
  const auto status = Status(Request({Payload("print_status")}));
  EXPECT_EQ(status.at("Uid"), "65534\t65534\t65534\t65534");
  EXPECT_EQ(status.at("Gid"), "65534\t65534\t65534\t65534");
  EXPECT_EQ(status.at("CapInh"), "0000000000000000");
  EXPECT_EQ(status.at("CapPrm"), "0000000000000000");
  EXPECT_EQ(status.at("CapEff"), "0000000000000000");
  EXPECT_EQ(status.at("CapBnd"), "00000000a80405fb");
  EXPECT_EQ(status.at("CapAmb"), "0000000000000000");
  EXPECT_EQ(status.at("NoNewPrivs"), "1");
  EXPECT_EQ(status.at("SigBlk"), "0000000000000000");
  EXPECT_EQ(status.at("SigIgn"), "0000000000000000");
}

TEST_F(PayloadView, HoldsWhatWasAddedAndSurvived) {
  v1::StartTaskRequest request = Request({Payload("print_status")});
  request.mutable_config()->mutable_config()->add_cap_drop("all");
  request.mutable_config()->mutable_config()->add_cap_add("net_bind_service");
  const auto status = Status(request);
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(status.at(set), "0000000000000400") << set;
  }
}

TEST_F(PayloadView, HasNoCapabilityAtAllWhenAllAreDropped) {
  v1::StartTaskRequest request = Request({Payload("print_status")});
  request.mutable_config()->mutable_config()->add_cap_drop("all");
  EXPECT_EQ(Status(request).at("CapBnd"), "0000000000000000");
}

TEST_F(PayloadView, CannotAddWhatTheNodeDoesNotAllow) {
  v1::StartTaskRequest request = Request({Payload("print_status")});
  request.mutable_config()->mutable_config()->add_cap_add("sys_admin");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(testing::_,
                       HasSubstr("driver does not allow the following capabilities: sys_admin")));
}

TEST_F(PayloadView, HasItsUsersGroupsAndNoOthers) {
  v1::StartTaskRequest request = Request({Payload("print_ids")});
  request.mutable_config()->set_user("1234:5678");
  const std::vector<std::string> lines = Lines(Run(request).out);
  EXPECT_THAT(lines, Contains("uid 1234 1234 1234"));
  EXPECT_THAT(lines, Contains("gid 5678 5678 5678"));
  EXPECT_THAT(lines, Contains(AnyOf("groups", "groups 5678")));
  EXPECT_THAT(lines, Contains("pid 2"));
  EXPECT_THAT(lines, Contains("sid 2"));
  EXPECT_THAT(lines, Contains("umask 022"));
  EXPECT_THAT(lines, Contains("cwd /"));
}

TEST_F(PayloadView, RootIsRefusedAsTaskUser) {
  for (const char* user : {"root", "0:0"}) {
    v1::StartTaskRequest request = Request({Payload("print_ids")});
    request.mutable_config()->set_user(user);
    EXPECT_FALSE(cluster().Run(request).ok()) << user;
  }
}

TEST_F(PayloadView, EnvironmentIsWhatIsDocumentedAndWhatWasAsked) {
  v1::StartTaskRequest request = Request({Payload("print_env")});
  (*request.mutable_config()->mutable_env())["ANSWER"] = "42";
  std::vector<std::string> lines = Lines(Run(request).out);
  // Not on a machine whose cgroups cannot be used.
  lines.erase(std::remove_if(lines.begin(), lines.end(),
                             [](const std::string& line) {
                               return absl::StartsWith(line, "NOMAD_PARENT_CGROUP=");
                             }),
              lines.end());
  EXPECT_THAT(lines, UnorderedElementsAre(
                         "ANSWER=42", StartsWith("PATH="), "USER=nobody", "LOGNAME=nobody",
                         StartsWith("HOME="), "NOMAD_ALLOC_DIR=/alloc", "NOMAD_TASK_DIR=/local",
                         "NOMAD_SECRETS_DIR=/secrets", StartsWith("NOMAD_CPU_LIMIT="),
                         StartsWith("NOMAD_MEMORY_LIMIT="), StartsWith("NOMAD_ALLOC_ID="),
                         StartsWith("NOMAD_SHORT_ALLOC_ID="), "NOMAD_ALLOC_INDEX=0", "NOMAD_DC=dc1",
                         "NOMAD_REGION=global"));
}

TEST_F(PayloadView, CoreDumpsAreOff) {
  EXPECT_THAT(Run({"/bin/cat", "/proc/self/limits"}).out,
              HasSubstr("Max core file size        0                    0"));
}

TEST_F(PayloadView, ShadowIsRefusedByTheKernel) {
  const TaskOutcome outcome = Run({"/bin/cat", "/etc/shadow"});
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("Permission denied"));
  EXPECT_EQ(outcome.task.exit_result().exit_code(), 1);
}

TEST_F(PayloadView, KernelSwitchesCannotBeWrittenEvenWithTheRightToOverride) {
  v1::StartTaskRequest request =
      Request({"/bin/sh", "-c",
               "for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern "
               "/proc/irq/default_smp_affinity; do "
               "test -e $f || continue; (echo x >$f) 2>/dev/null && echo wrote $f; done; "
               "head -c 1 /proc/kcore 2>/dev/null | wc -c; ls /proc/acpi /proc/scsi 2>/dev/null | "
               "grep -v : ; true"});
  request.mutable_config()->mutable_config()->add_cap_add("dac_override");
  EXPECT_THAT(Lines(Run(request).out), AnyOf(ElementsAre("0"), ElementsAre("0", "")));
}

TEST_F(PayloadView, NothingOfTheNodeCanBeWritten) {
  v1::StartTaskRequest request =
      Request({"/bin/sh", "-c",
               "for d in / /usr /usr/bin /etc /dev /sys /proc/sys; do (: >$d/.cloister-canary) "
               "2>/dev/null && echo wrote $d; done; "
               "(: >/dev/null) && (: >/tmp/x) && (: >/local/x) && (: >/dev/shm/x) && echo fine"});
  request.mutable_config()->mutable_config()->add_cap_add("dac_override");
  EXPECT_EQ(Run(request).out, "fine\n");
}

TEST_F(PayloadView, DevicesCannotBeMade) {
  v1::StartTaskRequest request =
      Request({"/bin/sh", "-c",
               "for d in /tmp /local /dev/shm; do mknod $d/sda b 8 0 2>/dev/null && (: <$d/sda) "
               "2>/dev/null && echo opened $d; done; "
               "true"});
  request.mutable_config()->mutable_config()->add_cap_add("mknod");
  EXPECT_EQ(Run(request).out, "");
}

TEST_F(PayloadView, MountAndChrootEscapesAreRefused) {
  v1::StartTaskRequest request = Request({"/bin/sh", "-c",
                                          "mount -t tmpfs x /tmp 2>/dev/null && echo mounted; "
                                          "umount /proc 2>/dev/null && echo gone; true"});
  request.mutable_config()->mutable_config()->add_cap_add("sys_chroot");
  EXPECT_EQ(Run(request).out, "");
}

TEST_F(PayloadView, SetuidProgramsGainNothing) {
  // no_new_privs and nosuid: su and friends run as the task's user.
  const TaskOutcome outcome =
      Run({"/bin/sh", "-c",
           "for p in /usr/bin/su /usr/bin/passwd; do test -u $p && echo suid; done; id -u"});
  EXPECT_THAT(outcome.out, AnyOf("65534\n", "suid\n65534\n", "suid\nsuid\n65534\n"));
}

TEST_F(PayloadView, CannotMakeAUserNamespace) {
  // In one it could mount the node's cgroup hierarchies.
  EXPECT_EQ(Run({"/bin/sh", "-c", "unshare -U echo inside 2>/dev/null; true"}).out, "");
  v1::StartTaskRequest request = Request({Payload("print_status")});
  EXPECT_EQ(Status(request).at("Seccomp"), "2");
}

TEST_F(PayloadView, OwnCgroupIsTheRootOfItsView) {
  for (const std::string& line : Lines(Run({"/bin/cat", "/proc/self/cgroup"}).out)) {
    // Hierarchies that the task did not join are the launcher's, seen from where it stands: also
    // "/".
    EXPECT_THAT(line, MatchesRegex("[0-9]+:[^:]*:/")) << line;
  }
}

TEST_F(PayloadView, MemoryLimitIsTheKernels) {
  v1::StartTaskRequest request = Request({Payload("allocate"), "256"});
  request.mutable_config()->mutable_resources()->set_memory(64);
  const TaskOutcome outcome = Run(request);
  EXPECT_EQ(outcome.task.exit_result().signal(), SIGKILL);
  EXPECT_TRUE(outcome.task.exit_result().oom_killed());
  EXPECT_GT(outcome.task.exit_result().memory_peak_bytes(), 32u << 20);
  request = Request({Payload("allocate"), "32"});
  request.mutable_config()->mutable_resources()->set_memory(64);
  EXPECT_EQ(Run(request).task.exit_result().exit_code(), 0);
}

TEST_F(PayloadView, ForkBombStopsAtItsLimitAndGoesWithItsTask) {
  v1::StartTaskRequest request = Request({Payload("fork_bomb")});
  request.mutable_config()->mutable_resources()->set_pids(32);
  // 32 with init and the bomb itself.
  EXPECT_THAT(Run(request).out, StartsWith("30 EAGAIN"));
}

TEST_F(PayloadView, DaemonsEndWithTheTask) {
  const TaskOutcome outcome = Run({Payload("fork_daemon")});
  EXPECT_EQ(outcome.task.exit_result().exit_code(), 0);
  EXPECT_THAT(outcome.out, StartsWith("daemon "));
}

TEST_F(PayloadView, OneTaskSeesNothingOfAnother) {
  absl::StatusOr<v1::Task> victim =
      cluster().StartTask({"/bin/sh", "-c", "echo secret >/tmp/s; echo x >/dev/shm/s; sleep 1000"});
  ASSERT_THAT(victim, IsOk());
  const TaskOutcome outcome =
      Run({"/bin/sh", "-c",
           "cat /tmp/s /dev/shm/s 2>/dev/null; ls -A /tmp /local /dev/shm | grep -v :; true"});
  EXPECT_THAT(Lines(outcome.out), IsEmpty());
}

TEST_F(PayloadView, WorkDirectoryThroughADescriptorIsRefused) {
  for (int fd : {3, 4, 5, 9, 10, 69, 100}) {
    v1::StartTaskRequest request = Request({"/bin/pwd"});
    request.mutable_config()->mutable_config()->set_work_dir(absl::StrCat("/proc/self/fd/", fd));
    EXPECT_FALSE(cluster().Run(request).ok()) << fd;
  }
}

}  // namespace
}  // namespace cloister
