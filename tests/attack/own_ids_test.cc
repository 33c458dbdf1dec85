// Tasks with ids of their own, through the whole of Cloister: who they are to the node and to each
// other, whose the ids are and for how long, and that their root opens none of the walls.
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/local_cluster.h"

namespace cloister {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class OwnIds : public ClusterTest {
 protected:
  // The test that kills the executor starts it again.
  bool SharesItsCluster() const override { return true; }

  LocalClusterOptions Options() override {
    directory_ = absl::StrCat(getenv("TEST_TMPDIR"), "/own-ids");
    if (access(directory_.c_str(), F_OK) != 0) {
      EXPECT_EQ(mkdir(directory_.c_str(), 0777), 0);
      EXPECT_EQ(chmod(directory_.c_str(), 0777), 0);
    }
    const std::string file = absl::StrCat(directory_, "/policy.hcl");
    // Two ranges.
    std::ofstream(file) << "userns_ids = \"1879048192-131072\"\nuserns_default = \"private\"\n"
                        << "host_volume \"data\" { path = \"" << directory_ << "\" }\n";
    LocalClusterOptions options;
    options.nodes = 1;
    options.executor_flags = {absl::StrCat("--policy=", file)};
    return options;
  }

  static v1::StartTaskRequest Command(const std::vector<std::string>& words,
                                      const std::string& user) {
    v1::StartTaskRequest request;
    request.set_request_id(RandomId());
    request.mutable_config()->set_user(user);
    v1::ExecConfig* config = request.mutable_config()->mutable_config();
    config->set_command(words.front());
    for (size_t i = 1; i < words.size(); ++i) config->add_args(words[i]);
    return request;
  }
  static v1::StartTaskRequest Sleep(const std::string& user) {
    return Command({"/bin/sleep", "1000"}, user);
  }

  // As it ran; its ids are free again.
  TaskOutcome Run(const v1::StartTaskRequest& request) {
    absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
    EXPECT_THAT(outcome, IsOk());
    if (!outcome.ok()) return TaskOutcome();
    EXPECT_THAT(cluster().Destroy(outcome->task.id()), IsOk());
    return *outcome;
  }
  std::string Sh(const std::string& script, const std::string& user = "root") {
    const TaskOutcome outcome = Run(Command({"/bin/sh", "-c", script}, user));
    return absl::StrCat(outcome.out, outcome.err);
  }

  v1::Task Start(const v1::StartTaskRequest& request) {
    absl::StatusOr<v1::Task> task = cluster().client().StartTask(request);
    EXPECT_THAT(task, IsOk());
    return task.ok() ? *task : v1::Task();
  }

  static std::string HostStatus(int64_t pid) {
    std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string directory_;
};

TEST_F(OwnIds, ATaskIsRootInsideAndNobodyElsesIdOutside) {
  EXPECT_EQ(
      Sh("id -u; id -g; cat /etc/shadow 2>/dev/null; echo x >/local/x && stat -c %u /local/x"),
      "0\n0\n0\n");
  const v1::Task first = Start(Sleep("root"));
  const v1::Task second = Start(Sleep("1000:1000"));
  EXPECT_NE(first.fence().first_user_id(), second.fence().first_user_id());
  for (const v1::Task& task : {first, second}) {
    EXPECT_EQ(task.fence().user_ids(), 65536u);
    EXPECT_THAT(task.fence().namespaces(), Contains("user"));
    EXPECT_THAT(
        HostStatus(task.pid()),
        HasSubstr(absl::StrCat("Uid:\t", task.fence().first_user_id() + task.fence().uid(), "\t")));
    EXPECT_THAT(cluster().Destroy(task.id()), IsOk());
  }
}

TEST_F(OwnIds, AreATasksUntilItIsDestroyedWhateverHappensToTheExecutor) {
  const v1::Task live = Start(Sleep("root"));
  const absl::StatusOr<TaskOutcome> ended = cluster().Run(Command({"/bin/true"}, "root"));
  ASSERT_THAT(ended, IsOk());
  const auto refusal = [&] {
    return GetReason(cluster().executor_client(1).StartTask(Sleep("root")).status());
  };
  EXPECT_EQ(refusal(), "USER_IDS_EXHAUSTED");
  // Whoever asks the cluster hears why, too.
  EXPECT_THAT(std::string(cluster().client().StartTask(Sleep("root")).status().message()),
              HasSubstr("all 2 ranges of ids"));
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  EXPECT_EQ(refusal(), "USER_IDS_EXHAUSTED");
  EXPECT_THAT(cluster().Destroy(ended->task.id()), IsOk());
  const v1::Task next = Start(Sleep("root"));
  EXPECT_NE(next.fence().first_user_id(), live.fence().first_user_id());
  EXPECT_THAT(cluster().Destroy(next.id()), IsOk());
  EXPECT_THAT(cluster().Destroy(live.id()), IsOk());
}

TEST_F(OwnIds, AStartThatFailsGivesThemBack) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(GetReason(cluster().client().StartTask(Command({"/nope"}, "root")).status()),
              "START_FAILED");
  }
  EXPECT_EQ(Sh("echo ok"), "ok\n");
}

TEST_F(OwnIds, TheSameRequestTwiceTakesOneRange) {
  const v1::StartTaskRequest request = Sleep("root");
  const v1::Task task = Start(request);
  EXPECT_EQ(Start(request).id(), task.id());
  EXPECT_EQ(Sh("echo ok"), "ok\n");
  EXPECT_THAT(cluster().Destroy(task.id()), IsOk());
}

TEST_F(OwnIds, NoTaskMayDoWithoutThem) {
  v1::StartTaskRequest request = Sleep("nobody");
  request.mutable_config()->mutable_config()->set_userns("host");
  EXPECT_EQ(GetReason(cluster().client().StartTask(request).status()), "USERNS_REQUIRED");
}

TEST_F(OwnIds, RootOfThemMakesNoCallThatAnybodyElseIsRefused) {
  int refused = 0;
  const TaskOutcome outcome = Run(Command({Payload("refused_calls")}, "root"));
  for (absl::string_view line : absl::StrSplit(outcome.out, '\n', absl::SkipEmpty())) {
    // Its own capability opens chroot(2).
    if (absl::StrContains(line, " chroot ") || absl::EndsWith(line, " killed")) continue;
    EXPECT_TRUE(absl::EndsWith(line, absl::StrCat(" ", EPERM)) ||
                absl::EndsWith(line, absl::StrCat(" ", ENOSYS)))
        << line;
    ++refused;
  }
  EXPECT_GT(refused, 100);
}

TEST_F(OwnIds, RootOfThemChangesNothingOfTheNodes) {
  EXPECT_EQ(
      Sh("exec 2>/dev/null; for f in /etc/passwd /usr/bin/env /sys/kernel/profiling; do"
         "  chmod 777 $f && echo $f; chown 0 $f && echo $f; (echo x >$f) && echo $f; done;"
         "(echo 1 >/proc/sys/kernel/printk) && echo printk; (echo b >/proc/sysrq-trigger) && echo "
         "b;"
         "mknod /local/m c 1 1 && echo mem; hostname h && echo name; kill -9 1 && echo init;"
         "chroot /local /x; mount -o remount,rw / && echo rw; umount /proc/keys && echo keys;"
         "for p in /proc/[0-9]*; do readlink $p/exe | grep -v -e sh$ -e readlink -e busybox; done; "
         "echo done"),
      "init\ndone\n");
}

TEST_F(OwnIds, TasksReadNothingOfEachOther) {
  v1::StartTaskRequest holder = Command(
      {"/bin/sh", "-c", "umask 077; echo secret >/srv/own; echo secret >/dev/shm/s; sleep 1000"},
      "1000:1000");
  const auto mount = [](v1::StartTaskRequest* request) {
    request->mutable_config()->add_volumes()->set_name("data");
    v1::VolumeMount* volume = request->mutable_config()->add_volume_mounts();
    volume->set_volume("data");
    volume->set_destination("/srv");
  };
  mount(&holder);
  const absl::StatusOr<v1::Task> held = cluster().client().StartTask(holder);
  if (absl::StrContains(held.status().message(), "cannot be id-mapped")) {
    GTEST_SKIP() << held.status().message();
  }
  ASSERT_THAT(held, IsOk());
  const v1::Task task = *held;
  v1::StartTaskRequest other = Command(
      {"/bin/sh", "-c", "cat /srv/own /dev/shm/* 2>&1; stat -c %u /srv/own; echo done"}, "root");
  mount(&other);
  const TaskOutcome outcome = Run(other);
  EXPECT_THAT(outcome.out, Not(HasSubstr("secret")));
  EXPECT_THAT(outcome.out, HasSubstr("65534\ndone\n"));
  EXPECT_THAT(cluster().Destroy(task.id()), IsOk());
  EXPECT_EQ(unlink(absl::StrCat(directory_, "/own").c_str()), 0);
}

}  // namespace
}  // namespace cloister
