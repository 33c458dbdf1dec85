// A user whose executor has a cgroup of its own, as systemd's user manager gives one: tasks have
// their limits. In the guest only (//tests/vm): it takes cgroup v2 with all controllers, and what
// is given away stays.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "tests/rootless/rootless_fixture.h"
#include "tests/testing/ordinary_user.h"

namespace cloister {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr char kRoot[] = "/sys/fs/cgroup";
constexpr uint32_t kUser = 12348;

std::string& Scope() {
  static auto* const kScope = new std::string();
  return *kScope;
}

bool Write(const std::string& file, const std::string& text) {
  std::ofstream stream(file);
  stream << text << std::flush;
  return stream.good();
}

// As the user manager does it, with ourselves in a leaf; false where this machine has no such
// cgroups.
bool MakeScope() {
  const std::string all = "+cpu +memory +pids";
  if (access(absl::StrCat(kRoot, "/cgroup.controllers").c_str(), R_OK) != 0 ||
      !Write(absl::StrCat(kRoot, "/cgroup.subtree_control"), all)) {
    return false;
  }
  const std::string scope = absl::StrCat(kRoot, "/delegated-", getpid());
  const std::string ours = scope + "/test";
  if (mkdir(scope.c_str(), 0755) != 0 || !Write(scope + "/cgroup.subtree_control", all) ||
      mkdir(ours.c_str(), 0755) != 0 || !Write(ours + "/cgroup.procs", "0")) {
    return false;
  }
  for (const char* file : {"", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads",
                           "/test", "/test/cgroup.procs"}) {
    if (chown((scope + file).c_str(), kUser, kUser) != 0) return false;
  }
  Scope() = scope;
  return true;
}

// Each executor alone in a cgroup, as a service's process is.
void PutExecutorsIntoIt() {
  const std::string executor = getenv("CLOISTER_TEST_EXECUTOR");
  const std::string wrapper = absl::StrCat(getenv("HOME"), "/executor");
  std::ofstream(wrapper) << "#!/bin/sh\nplace=" << Scope() << "/node-$$\nmkdir $place\n"
                         << "echo $$ >$place/cgroup.procs || exit 1\nexec " << executor
                         << " \"$@\"\n";
  chmod(wrapper.c_str(), 0755);
  setenv("CLOISTER_TEST_EXECUTOR", wrapper.c_str(), 1);
}

class Delegated : public RootlessTest {
 protected:
  // Of which each needs a cgroup of its own.
  LocalClusterOptions Options() override {
    LocalClusterOptions options = RootlessTest::Options();
    options.nodes = 1;
    return options;
  }
  void SetUp() override {
    if (Scope().empty()) GTEST_SKIP() << "no cgroup to give away: see //tests/vm:delegated_vm_test";
    RootlessTest::SetUp();
  }
};

TEST_F(Delegated, TasksAreLimitedInMemoryAndProcesses) {
  v1::StartTaskRequest request =
      Request({"/bin/sh", "-c", "cat /proc/self/cgroup; tail -c 100000000 /dev/zero; echo $?"});
  request.mutable_config()->mutable_resources()->set_memory(32);
  request.mutable_config()->mutable_resources()->set_pids(16);
  const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->task.fence().cgroups(), "v2");
  EXPECT_EQ(outcome->task.fence().pids_limit(), 16u);
  EXPECT_EQ(outcome->out, "0::/\n137\n");
  EXPECT_TRUE(outcome->task.exit_result().oom_killed());
  EXPECT_THAT(outcome->task.fence().unavailable(), Not(Contains(HasSubstr("no limits"))));
}

TEST_F(Delegated, NothingOfATaskStays) {
  EXPECT_EQ(OutputOf({"/bin/echo", "a"}), "a\n");
  const absl::StatusOr<v1::Task> task = cluster().StartTask({"/bin/sleep", "1000"});
  ASSERT_THAT(task, IsOk());
  EXPECT_THAT(cluster().Destroy(task->id()), IsOk());
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  if (getenv("CLOISTER_TEST_GUEST") != nullptr && geteuid() == 0) cloister::MakeScope();
  cloister::OrdinaryUserOptions options;
  options.id = cloister::kUser;
  const cloister::OrdinaryUser user(options);
  if (!cloister::Scope().empty()) cloister::PutExecutorsIntoIt();
  // Taken from the environment before main: a report where only root may write.
  testing::GTEST_FLAG(output) = "";
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
