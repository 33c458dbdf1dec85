// A user whose systemd manager gives executors a scope. In the guest only (//tests/vm), where
// nothing else is systemd's: the manager is the real one, in a cgroup that is the user's.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/spawn.h"
#include "tests/rootless/delegated_scope.h"
#include "tests/rootless/rootless_fixture.h"
#include "tests/testing/ordinary_user.h"

namespace cloister {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr uint32_t kUser = 12349;
constexpr char kManager[] = "/usr/lib/systemd/systemd";

const DelegatedScope& Scope() {
  static const auto* const kScope = new DelegatedScope(kUser);
  return *kScope;
}

std::string RuntimeDirectory() { return absl::StrCat(getenv("HOME"), "/run"); }

// With a target to begin with, and nothing else to do.
absl::StatusOr<SpawnedProcess> StartManager() {
  const std::string home = getenv("HOME");
  const std::string units = home + "/.config/systemd/user";
  for (const std::string& path : {RuntimeDirectory(), home + "/.config", home + "/.config/systemd",
                                  units, Scope().path() + "/manager"}) {
    if (mkdir(path.c_str(), 0700) != 0) return absl::InternalError(path);
  }
  std::ofstream(units + "/default.target") << "[Unit]\nDescription=nothing\n";
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c",
                  absl::StrCat("echo $$ >", Scope().path(), "/manager/cgroup.procs && exec ",
                               kManager, " --user")};
  options.env = {absl::StrCat("HOME=", home), absl::StrCat("XDG_RUNTIME_DIR=", RuntimeDirectory()),
                 absl::StrCat("PATH=", getenv("PATH")), "SYSTEMD_LOG_TARGET=console"};
  const OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  options.fds = {
      {null.get(), STDIN_FILENO}, {STDERR_FILENO, STDOUT_FILENO}, {STDERR_FILENO, STDERR_FILENO}};
  return Spawn(options);
}

class UserScope : public RootlessTest {
 protected:
  static void SetUpTestSuite() {
    if (Scope().path().empty() || access(kManager, X_OK) != 0) return;
    absl::StatusOr<SpawnedProcess> manager = StartManager();
    ASSERT_THAT(manager, IsOk());
    manager_ = new PidFd(std::move(manager->pidfd));
    // Nothing tells when it listens.
    const std::string socket = RuntimeDirectory() + "/systemd/private";
    while (access(socket.c_str(), F_OK) != 0) ASSERT_FALSE(manager_->AwaitEnd(10));
  }
  static void TearDownTestSuite() {
    if (manager_ == nullptr) return;
    EXPECT_THAT(manager_->Signal(SIGKILL), IsOk());
    EXPECT_THAT(manager_->WaitAndReap().status(), IsOk());
  }

  void SetUp() override {
    if (manager_ == nullptr) {
      GTEST_SKIP() << "no systemd to give cgroups: see //tests/vm:user_scope_vm_test";
    }
    RootlessTest::SetUp();
  }

  LocalClusterOptions Options() override {
    const std::string wrapper = absl::StrCat(getenv("HOME"), "/executor");
    static const std::string& executor = *new std::string(getenv("CLOISTER_TEST_EXECUTOR"));
    std::ofstream(wrapper) << "#!/bin/sh\nexport XDG_RUNTIME_DIR=" << RuntimeDirectory()
                           << "\nexec " << executor << " \"$@\"\n";
    EXPECT_EQ(chmod(wrapper.c_str(), 0755), 0);
    setenv("CLOISTER_TEST_EXECUTOR", wrapper.c_str(), 1);
    return RootlessTest::Options();
  }

  std::vector<std::string> Scopes() const {
    std::vector<std::string> scopes;
    for (const std::string& name : Scope().Children("/manager/app.slice")) {
      if (absl::StartsWith(name, "cloister-")) scopes.push_back(name);
    }
    return scopes;
  }

  void ExpectLimited(int node) {
    v1::StartTaskRequest request =
        Request({"/bin/sh", "-c", "cat /proc/self/cgroup; tail -c 100000000 /dev/zero; echo $?"});
    request.mutable_config()->mutable_resources()->set_memory(32);
    request.set_node_id(cluster().node_id(node));
    const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->task.fence().cgroups(), "v2");
    EXPECT_EQ(outcome->out, "0::/\n137\n");
    EXPECT_TRUE(outcome->task.exit_result().oom_killed());
    EXPECT_THAT(outcome->task.fence().unavailable(), Not(Contains(HasSubstr("no limits"))));
  }

  static PidFd* manager_;
};

PidFd* UserScope::manager_ = nullptr;

TEST_F(UserScope, EachExecutorHasOneAndTasksAreLimited) {
  EXPECT_THAT(Scopes(), SizeIs(2));
  for (int node : {1, 2}) ExpectLimited(node);
}

TEST_F(UserScope, TheNextExecutorComesIntoTheOneThatHoldsTasksOfBefore) {
  v1::StartTaskRequest before = Request({"/bin/sleep", "1000"});
  before.set_node_id(cluster().node_id(1));
  const absl::StatusOr<v1::Task> task = cluster().client().StartTask(before);
  ASSERT_THAT(task, IsOk());
  const std::vector<std::string> scopes = Scopes();
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  EXPECT_EQ(Scopes(), scopes);
  ExpectLimited(1);
  EXPECT_THAT(cluster().Destroy(task->id()), IsOk());
}

TEST_F(UserScope, GoesWithTheCluster) {
  EXPECT_THAT(Scopes(), SizeIs(2));
  ASSERT_THAT(cluster().Stop(), IsOk());
  // The manager removes it when it hears of it.
  while (!Scopes().empty()) ASSERT_FALSE(manager_->AwaitEnd(10));
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  // Which a manager looks for, as does an executor.
  if (!cloister::Scope().path().empty()) {
    mkdir("/run/systemd", 0755);
    mkdir("/run/systemd/system", 0755);
  }
  cloister::OrdinaryUserOptions options;
  options.id = cloister::kUser;
  const cloister::OrdinaryUser user(options);
  // Taken from the environment before main: a report where only root may write.
  testing::GTEST_FLAG(output) = "";
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
