// A user with the one id: tasks are that user, without capabilities and without limits, and
// everything else of a task is there.
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/base/error_reason.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/rootless/rootless_fixture.h"
#include "tests/testing/leftovers.h"
#include "tests/testing/ordinary_user.h"

namespace cloister {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kNone[] = "0000000000000000";

class OneId : public RootlessTest {};

TEST_F(OneId, AnOverlayRootIsTheTasksToChange) {
  v1::StartTaskRequest request = Request(
      {"/bin/sh", "-c", "echo x >/x && mkdir /etc/d && rm /etc/passwd && cat /x; ls /etc/passwd"});
  request.mutable_config()->mutable_config()->set_root("overlay");
  EXPECT_EQ(OutputOf(request), "x\n");
}

TEST_F(OneId, ArtifactsAreFetchedAndRefusedForTheirDigest) {
  const artifact::ScriptedServer server(
      "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n");
  for (const char* cache : {"tenant", "off"}) {
    v1::StartTaskRequest request = Request({"/bin/sh", "-c", "cat /local/a && test -x /local/a"});
    v1::Artifact* artifact = request.mutable_config()->add_artifacts();
    artifact->set_source(server.Url("/a"));
    artifact->set_cache(cache);
    (*artifact->mutable_options())["checksum"] =
        "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    EXPECT_EQ(OutputOf(request), "hello\n") << cache;
  }
  v1::StartTaskRequest secret =
      Request({"/bin/sh", "-c", "cat /secrets/d/a; stat -f -c %T /secrets/d/a"});
  secret.mutable_config()->add_artifacts()->set_source(server.Url("/a"));
  secret.mutable_config()->mutable_artifacts(0)->set_destination("secrets/d");
  EXPECT_EQ(OutputOf(secret), "hello\ntmpfs\n");
  v1::StartTaskRequest wrong = Request({"/bin/true"});
  v1::Artifact* artifact = wrong.mutable_config()->add_artifacts();
  artifact->set_source(server.Url("/a"));
  (*artifact->mutable_options())["checksum"] = absl::StrCat("sha256:", std::string(64, '0'));
  EXPECT_EQ(RefusalOf(wrong), "ARTIFACT_FAILED");
}

TEST_F(OneId, ExitsAreThePayloads) {
  for (int code : {0, 7, 255}) {
    const absl::StatusOr<TaskOutcome> outcome =
        cluster().Run({Payload("exit_code"), absl::StrCat(code)});
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->task.exit_result().exit_code(), code);
  }
  const absl::StatusOr<TaskOutcome> outcome =
      cluster().Run({Payload("die_by_signal"), absl::StrCat(SIGSEGV)});
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->task.exit_result().signal(), SIGSEGV);
}

TEST_F(OneId, TaskIsTheUserByItsOwnNumberAndHoldsNothing) {
  const std::string id = absl::StrCat(geteuid());
  EXPECT_EQ(Shell("id -u; id -g"), absl::StrCat(id, "\n", getegid(), "\n"));
  const auto status = StatusOf(Request({"x"}));
  EXPECT_EQ(status.at("Uid"), absl::StrCat(id, "\t", id, "\t", id, "\t", id));
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(status.at(set), kNone) << set;
  }
  EXPECT_EQ(status.at("NoNewPrivs"), "1");
  EXPECT_EQ(status.at("Seccomp"), "2");
}

TEST_F(OneId, TaskHasAUserNamespaceThatOwnsNoneOfItsOthers) {
  char ours[64] = {};
  ASSERT_GT(readlink("/proc/self/ns/user", ours, sizeof(ours) - 1), 0);
  EXPECT_NE(OutputOf({"/bin/readlink", "/proc/self/ns/user"}), absl::StrCat(ours, "\n"));
  EXPECT_EQ(
      Shell("hostname x 2>/dev/null || echo no; mount -t tmpfs t /tmp 2>/dev/null || echo no; "
            "umount /proc 2>/dev/null || echo no"),
      "no\nno\nno\n");
}

TEST_F(OneId, ItsDirectoriesAreItsOwn) {
  const std::string owner = absl::StrCat(geteuid(), ":", getegid());
  EXPECT_EQ(
      Shell("stat -c '%n %u:%g %a' /local /tmp /secrets; for d in /local /tmp /secrets /alloc "
            "/alloc/data /dev/shm; do echo x >$d/x || echo not $d; done"),
      absl::StrCat("/local ", owner, " 700\n/tmp ", owner, " 1777\n/secrets ", owner, " 700\n"));
}

TEST_F(OneId, RootIsReadOnlyWithoutAnythingOfTheNodesElse) {
  const auto mounts = Mounts();
  for (const char* point : {"/", "/dev", "/dev/null", "/etc", "/payloads", "/sys", "/usr"}) {
    ASSERT_EQ(mounts.count(point), 1u) << point;
    EXPECT_THAT(mounts.at(point), StartsWith("ro,nosuid")) << point;
  }
  for (const auto& [point, options] : mounts) {
    EXPECT_THAT(options, HasSubstr("nosuid")) << point;
    // What the node has mounted in its sysfs comes along and is hidden.
    if (absl::StartsWith(point, "/sys/fs/cgroup/")) continue;
    EXPECT_THAT(options, Not(HasSubstr("cgroup"))) << point;
  }
  EXPECT_EQ(
      Shell("ls -A /sys/fs/cgroup /sys/kernel/tracing /sys/firmware 2>/dev/null | grep -v : | "
            "grep . || echo empty"),
      "empty\n");
  EXPECT_THAT(Shell("ls /"), Not(HasSubstr("home")));
}

TEST_F(OneId, ProcIsOfItsOwnPidsAndMasked) {
  EXPECT_EQ(Shell("cd /proc; echo [0-9]*"), "1 2\n");
  EXPECT_EQ(Shell("cat /proc/keys /proc/timer_list 2>/dev/null | wc -c; "
                  "echo x 2>/dev/null >/proc/sys/kernel/domainname || echo read-only"),
            "0\nread-only\n");
}

TEST_F(OneId, DevicesWork) {
  EXPECT_EQ(
      Shell("echo x >/dev/null && head -c 3 /dev/zero | wc -c && head -c 2 /dev/urandom | wc "
            "-c; echo x 2>/dev/null >/dev/full || echo full; test -c /dev/pts/ptmx && echo pts"),
      "3\n2\nfull\npts\n");
}

TEST_F(OneId, EnvironmentIsTheUsers) {
  v1::StartTaskRequest request = Request({Payload("print_env")});
  (*request.mutable_config()->mutable_env())["ANSWER"] = "42";
  const std::vector<std::string> lines = absl::StrSplit(OutputOf(request), '\n');
  EXPECT_THAT(lines, Contains("ANSWER=42"));
  EXPECT_THAT(lines, Not(Contains("USER=nobody")));
}

TEST_F(OneId, OtherUsersAreRefused) {
  for (const char* user : {"nobody", "root", "1234:5678"}) {
    v1::StartTaskRequest request = Request({Payload("print_ids")});
    request.mutable_config()->set_user(user);
    EXPECT_THAT(RefusalOf(request), testing::AnyOf("USER_NOT_MAPPED", "USER_NOT_ALLOWED")) << user;
  }
  v1::StartTaskRequest request = Request({Payload("print_ids")});
  request.mutable_config()->set_user(absl::StrCat(geteuid(), ":", getegid()));
  EXPECT_THAT(OutputOf(request), HasSubstr(absl::StrCat("uid ", geteuid())));
}

TEST_F(OneId, WhatNeedsRootIsRefusedAndLeavesNothing) {
  v1::StartTaskRequest request = Request({"/bin/true"});
  request.mutable_config()->mutable_config()->add_cap_add("net_bind_service");
  EXPECT_EQ(RefusalOf(request), "NEEDS_ROOT");
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 1), IsOkAndHolds(IsEmpty()));
}

TEST_F(OneId, WhatCannotBeHadByDefaultIsToldByTaskAndNode) {
  const absl::StatusOr<TaskOutcome> outcome = cluster().Run({"/bin/true"});
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->task.fence().uid(), geteuid());
  EXPECT_THAT(outcome->task.fence().unavailable(), Contains(HasSubstr("no capabilities")));
  EXPECT_THAT(outcome->task.fence().namespaces(), Contains("user"));
  const absl::StatusOr<std::vector<v1::Node>> nodes = cluster().client().ListNodes();
  ASSERT_THAT(nodes, IsOkAndHolds(SizeIs(1)));
  EXPECT_THAT((*nodes)[0].unavailable(), Contains(HasSubstr("no user of its own")));
}

TEST_F(OneId, StopIsTheSignalAndThenTheKill) {
  const absl::StatusOr<v1::Task> task = cluster().StartTask({Payload("ignore_term")});
  ASSERT_THAT(task, IsOk());
  // It ignores the signal from when it has said so.
  v1::ReadLogsRequest logs;
  logs.set_task_id(task->id());
  logs.set_stream(v1::LOG_STREAM_STDOUT);
  logs.set_follow(true);
  const auto stop_at_first = [](absl::string_view) { return absl::CancelledError("seen"); };
  EXPECT_THAT(cluster().client().ReadLogs(logs, stop_at_first),
              StatusIs(absl::StatusCode::kCancelled));
  v1::StopTaskRequest request;
  request.set_request_id(RandomId());
  request.set_task_id(task->id());
  request.mutable_grace()->set_nanos(1'000'000);
  ASSERT_THAT(cluster().client().StopTask(request), IsOk());
  const absl::StatusOr<v1::Task> ended = cluster().client().WaitTask(task->id());
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->exit_result().signal(), SIGKILL);
}

TEST_F(OneId, TasksOutliveTheExecutorAndTheNextOneStartsMoreBesideThem) {
  const absl::StatusOr<v1::Task> task =
      cluster().StartTask({"/bin/sh", "-c", "trap 'echo bye; exit 3' TERM; sleep 1000 & wait"});
  ASSERT_THAT(task, IsOk());
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  EXPECT_EQ(Shell("echo beside"), "beside\n");
  v1::StopTaskRequest request;
  request.set_request_id(RandomId());
  request.set_task_id(task->id());
  ASSERT_THAT(cluster().client().StopTask(request), IsOk());
  const absl::StatusOr<v1::Task> ended = cluster().client().WaitTask(task->id());
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->exit_result().exit_code(), 3);
  EXPECT_THAT(cluster().ReadAll(task->id(), v1::LOG_STREAM_STDOUT), IsOkAndHolds("bye\n"));
}

TEST_F(OneId, ADestroyedTaskLeavesNothingWhateverItMade) {
  const absl::StatusOr<v1::Task> task = cluster().StartTask(
      {"/bin/sh", "-c", "mkdir -p /local/a/b && chmod 0 /local/a/b /local/a && sleep 1000"});
  ASSERT_THAT(task, IsOk());
  EXPECT_THAT(cluster().Destroy(task->id()), IsOk());
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 1), IsOkAndHolds(IsEmpty()));
}

class OneIdWithoutCgroup : public RootlessTest {
 protected:
  LocalClusterOptions Options() override { return {}; }
};

TEST_F(OneIdWithoutCgroup, LimitsThatWereAskedForAreRefusedWithASentence) {
  const absl::StatusOr<std::vector<v1::Node>> nodes = cluster().client().ListNodes();
  ASSERT_THAT(nodes, IsOkAndHolds(SizeIs(1)));
  if ((*nodes)[0].cgroups() != "none") GTEST_SKIP() << "this user has a cgroup of its own";
  v1::StartTaskRequest request = Request({"/bin/true"});
  request.mutable_config()->mutable_resources()->set_memory(64);
  EXPECT_EQ(RefusalOf(request), "CGROUPS_UNAVAILABLE");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("resources.memory")));
  EXPECT_THAT((*nodes)[0].unavailable(), Contains(HasSubstr("no limits")));
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  const cloister::OrdinaryUser user(cloister::OrdinaryUserOptions{});
  // Taken from the environment before main: a report where only root may write.
  testing::GTEST_FLAG(output) = "";
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
