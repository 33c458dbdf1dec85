// A user who has been given a cgroup: tasks have their limits. Each executor alone in one of its
// own; a cluster beside others in one; and `cloister dev` alone in one.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/spawn.h"
#include "tests/rootless/delegated_scope.h"
#include "tests/rootless/rootless_fixture.h"
#include "tests/testing/ordinary_user.h"
#include "tools/cloister/dev_connection.h"
#include "tools/cloister/dev_layout.h"

namespace cloister {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr uint32_t kUser = 12348;
constexpr char kNowhere[] = "no cgroup to give away: see //tests/vm:delegated_vm_test";

const DelegatedScope& Scope() {
  static const auto* const kScope = new DelegatedScope(kUser);
  return *kScope;
}

class Delegated : public RootlessTest {
 protected:
  void SetUp() override {
    if (Scope().path().empty()) GTEST_SKIP() << kNowhere;
    RootlessTest::SetUp();
  }

  static v1::StartTaskRequest Greedy() {
    v1::StartTaskRequest request =
        Request({"/bin/sh", "-c", "cat /proc/self/cgroup; tail -c 100000000 /dev/zero; echo $?"});
    request.mutable_config()->mutable_resources()->set_memory(32);
    request.mutable_config()->mutable_resources()->set_pids(16);
    return request;
  }

  static void ExpectLimited(const absl::StatusOr<TaskOutcome>& outcome) {
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->task.fence().cgroups(), "v2");
    EXPECT_EQ(outcome->task.fence().pids_limit(), 16u);
    EXPECT_EQ(outcome->out, "0::/\n137\n");
    EXPECT_TRUE(outcome->task.exit_result().oom_killed());
    EXPECT_THAT(outcome->task.fence().unavailable(), Not(Contains(HasSubstr("no limits"))));
  }
};

// As a service's process is.
class EachAlone : public Delegated {
 protected:
  LocalClusterOptions Options() override {
    executor_ = getenv("CLOISTER_TEST_EXECUTOR");
    const std::string wrapper = absl::StrCat(getenv("HOME"), "/executor");
    std::ofstream(wrapper) << "#!/bin/sh\nplace=" << Scope().path() << "/node-$$\nmkdir $place\n"
                           << "echo $$ >$place/cgroup.procs || exit 1\nexec " << executor_
                           << " \"$@\"\n";
    EXPECT_EQ(chmod(wrapper.c_str(), 0755), 0);
    setenv("CLOISTER_TEST_EXECUTOR", wrapper.c_str(), 1);
    LocalClusterOptions options = Delegated::Options();
    options.nodes = 1;
    return options;
  }
  void TearDown() override {
    Delegated::TearDown();
    if (!executor_.empty()) setenv("CLOISTER_TEST_EXECUTOR", executor_.c_str(), 1);
  }

 private:
  std::string executor_;
};

TEST_F(EachAlone, TasksAreLimitedInMemoryAndProcesses) { ExpectLimited(cluster().Run(Greedy())); }

TEST_F(EachAlone, NothingOfATaskStays) {
  EXPECT_EQ(OutputOf({"/bin/echo", "a"}), "a\n");
  const absl::StatusOr<v1::Task> task = cluster().StartTask({"/bin/sleep", "1000"});
  ASSERT_THAT(task, IsOk());
  EXPECT_THAT(cluster().Destroy(task->id()), IsOk());
}

// All of a cluster, and who started it, in one cgroup beneath the user's.
class BesideOthers : public Delegated {
 protected:
  void TearDown() override {
    Delegated::TearDown();
    if (Scope().path().empty()) return;
    EXPECT_THAT(Scope().Children(), Not(Contains(StartsWith("cloister-"))));
    EXPECT_THAT(Scope().Children("/test"), IsEmpty());
  }
};

TEST_F(BesideOthers, TasksOfEachNodeAreLimited) {
  for (int node : {1, 2}) {
    v1::StartTaskRequest request = Greedy();
    request.set_node_id(cluster().node_id(node));
    ExpectLimited(cluster().Run(request));
  }
}

TEST_F(BesideOthers, TheyAreWhenTheExecutorWasStartedAgainWithATaskOfBefore) {
  v1::StartTaskRequest before = Request({"/bin/sleep", "1000"});
  before.set_node_id(cluster().node_id(1));
  const absl::StatusOr<v1::Task> task = cluster().client().StartTask(before);
  ASSERT_THAT(task, IsOk());
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  v1::StartTaskRequest after = Greedy();
  after.set_node_id(cluster().node_id(1));
  ExpectLimited(cluster().Run(after));
  EXPECT_THAT(cluster().Destroy(task->id()), IsOk());
}

// Killed, so that nobody but who stops the cluster can end what they left.
TEST_F(BesideOthers, NothingStaysOfAClusterThatWasKilled) {
  ASSERT_THAT(cluster().StartTask({"/bin/sleep", "1000"}), IsOk());
  for (int node : {1, 2}) ASSERT_THAT(cluster().KillExecutor(node), IsOk());
}

// `cloister dev` as a process that was started alone in a cgroup of the user's.
class DevAlone : public testing::Test {
 protected:
  void SetUp() override {
    if (Scope().path().empty()) GTEST_SKIP() << kNowhere;
    place_ = absl::StrCat(Scope().path(), "/alone");
    ASSERT_EQ(mkdir(place_.c_str(), 0755), 0);
    layout_ = *ResolveDevLayout(absl::StrCat(getenv("HOME"), "/alone"));
  }
  void TearDown() override {
    if (place_.empty()) return;
    EXPECT_THAT(Scope().Children("/alone"), IsEmpty());
    EXPECT_EQ(rmdir(place_.c_str()), 0);
  }

  // Runs it in there, by the words after "cloister dev --dir DIR".
  absl::StatusOr<SpawnedProcess> Dev(const std::string& words) const {
    const std::string cli = getenv("CLOISTER_TEST_CLI");
    SpawnOptions options;
    options.argv = {
        "/bin/sh", "-c",
        absl::StrCat("echo $$ >", place_, "/cgroup.procs && exec ", cli, " dev --dir ",
                     layout_.directory, " --bin-dir ", cli.substr(0, cli.rfind('/')), " ", words)};
    options.env = {absl::StrCat("PATH=", getenv("PATH"))};
    const OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    options.fds = {{null.get(), STDIN_FILENO},
                   {line_write_.valid() ? line_write_.get() : null.get(), STDOUT_FILENO},
                   {STDERR_FILENO, STDERR_FILENO}};
    return Spawn(options);
  }

  static int ExitOf(const absl::StatusOr<SpawnedProcess>& process) {
    if (!process.ok()) return -1;
    const absl::StatusOr<int> status = process->pidfd.WaitAndReap();
    return status.ok() && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
  }

  void ExpectLimits() const {
    const absl::StatusOr<std::vector<v1::Node>> nodes =
        ConnectDev(layout_.frontend_socket)->ListNodes();
    ASSERT_THAT(nodes, IsOk());
    for (const v1::Node& node : *nodes) EXPECT_EQ(node.cgroups(), "v2") << node.id();
    EXPECT_THAT(Scope().Children("/alone"),
                ElementsAre(layout_.cgroup_parent, layout_.service_cgroup));
  }

  std::string place_;
  DevLayout layout_;
  OwnedFd line_write_;
};

TEST_F(DevAlone, MakesRoomForLimitsAndCleansUpWhenItIsStopped) {
  ASSERT_EQ(ExitOf(Dev("--nodes 2 --detach")), 0);
  ExpectLimits();
  const std::string cli = getenv("CLOISTER_TEST_CLI");
  SpawnOptions stop;
  stop.argv = {cli, "dev", "stop", "--dir", layout_.directory};
  stop.fds = {{STDERR_FILENO, STDOUT_FILENO}, {STDERR_FILENO, STDERR_FILENO}};
  EXPECT_EQ(ExitOf(Spawn(stop)), 0);
}

TEST_F(DevAlone, GoesBackToWhereItWasWhenItEnds) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const OwnedFd reading(ends[0]);
  line_write_ = OwnedFd(ends[1]);
  const absl::StatusOr<SpawnedProcess> dev = Dev("");
  line_write_.reset();
  ASSERT_THAT(dev, IsOk());
  // It says where the cluster is when that is ready.
  char byte;
  ASSERT_EQ(read(reading.get(), &byte, 1), 1);
  ExpectLimits();
  ASSERT_THAT(dev->pidfd.Signal(SIGINT), IsOk());
  EXPECT_EQ(ExitOf(dev), 0);
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  cloister::Scope();
  cloister::OrdinaryUserOptions options;
  options.id = cloister::kUser;
  const cloister::OrdinaryUser user(options);
  // Taken from the environment before main: a report where only root may write.
  testing::GTEST_FLAG(output) = "";
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
