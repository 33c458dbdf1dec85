// Each step of a launch failing in turn: the failure names it, and nothing of the launch is left.
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/synchronization/notification.h"
#include "cloister/internal/launcher.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/launch/child.h"
#include "tests/kernel/launch_fixture.h"

namespace cloister {
namespace {

class LaunchSteps : public LaunchFixture {
 protected:
  // One for which no step has nothing to do.
  internal::LaunchPlan PlanWithAllSteps() const {
    internal::LaunchPlan plan = DefaultPlan();
    plan.set_hostname("web");
    internal::Identity::UserNamespace* space = plan.mutable_identity()->mutable_user_namespace();
    space->set_first(1879048192);
    space->set_count(65536);
    space->set_outside_uid(1879048192 + 65534);
    space->set_outside_gid(1879048192 + 65534);
    internal::GeneratedFile* file = plan.add_files();
    file->set_inside("/etc/hostname");
    file->set_content("web\n");
    internal::Mount* mount = plan.add_mounts();
    mount->set_kind(internal::Mount::KIND_TMPFS);
    mount->set_inside("/local/t");
    mount->set_mount_point("local/t");
    mount->set_size_bytes(4096);
    mount->set_mode(0700);
    mount->set_chosen(true);
    return plan;
  }
};

std::vector<int> AllSteps() {
  std::vector<int> steps = {
      internal::LAUNCH_STEP_PLAN,           internal::LAUNCH_STEP_ID_MAPS,
      internal::LAUNCH_STEP_TASK_DIRECTORY, internal::LAUNCH_STEP_FILES,
      internal::LAUNCH_STEP_TEMPLATE,       internal::LAUNCH_STEP_OUTPUT,
      internal::LAUNCH_STEP_CGROUP_TAKE,    internal::LAUNCH_STEP_CGROUP_LIMITS,
      internal::LAUNCH_STEP_DEVICES,        internal::LAUNCH_STEP_RECORD,
      internal::LAUNCH_STEP_CLONE,          internal::LAUNCH_STEP_RECORD_PID};
  const launch::StepList inside = launch::InsideSteps();
  steps.insert(steps.end(), inside.steps, inside.steps + inside.count);
  return steps;
}

TEST_F(LaunchSteps, SucceedsWithNoFault) {
  MakeSite(0, 0);
  internal::LaunchPlan plan = DefaultPlan();
  plan.mutable_exec()->set_args(1, "id -u; exit 7");
  auto result = Launch(std::move(plan));
  ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(result))
      << absl::get<internal::LaunchFailure>(result).DebugString();
  launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
  const int status = AwaitExit(task);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(Output(task), "65534\n");
  task.pool->Discard(std::move(task.slot));
  EXPECT_THAT(task.pool->AwaitRemoved(absl::Seconds(5)), IsOk());
}

TEST_F(LaunchSteps, EachFailingStepIsNamedAndLeavesNothing) {
  for (int step : AllSteps()) {
    SCOPED_TRACE(internal::LaunchStep_Name(step));
    MakeSite(step, EXDEV);
    const Residue before = Measure();
    auto result = Launch(PlanWithAllSteps());
    ASSERT_TRUE(absl::holds_alternative<internal::LaunchFailure>(result));
    const internal::LaunchFailure& failure = absl::get<internal::LaunchFailure>(result);
    EXPECT_EQ(failure.step(), step);
    EXPECT_EQ(failure.error_number(), EXDEV);
    absl::StatusOr<cgroup::SlotPool*> pool = site_->PoolFor(DefaultPlan().cgroup());
    ASSERT_THAT(pool, IsOk());
    EXPECT_THAT((*pool)->AwaitRemoved(absl::Seconds(5)), IsOk());
    EXPECT_THAT((*pool)->AwaitReady(), IsOk());
    const Residue after = Measure();
    EXPECT_EQ(after.descriptors, before.descriptors);
    EXPECT_EQ(after.mounts, before.mounts);
    EXPECT_FALSE(after.children);
  }
}

// The child, which is the task's user by then, has the launcher's memory until its exec.
TEST_F(LaunchSteps, TheLaunchersMemoryStaysClosedWhereTheNodeOpensThatOfSetuidPrograms) {
  constexpr char kSuidDumpable[] = "/proc/sys/fs/suid_dumpable";
  std::string before;
  std::ifstream(kSuidDumpable) >> before;
  std::ofstream(kSuidDumpable) << "1";
  absl::Cleanup restore = [&] { std::ofstream(kSuidDumpable) << before; };
  MakeSite(0, 0);
  for (const internal::LaunchPlan& plan : {DefaultPlan(), PlanWithAllSteps()}) {
    ASSERT_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
    auto result = Launch(plan);
    site_->namespaces_ahead().AwaitReady();
    EXPECT_EQ(prctl(PR_GET_DUMPABLE), 0);
    ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(result))
        << absl::get<internal::LaunchFailure>(result).ShortDebugString();
    launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
    AwaitExit(task);
    task.pool->Discard(std::move(task.slot));
  }
}

TEST_F(LaunchSteps, RealFailuresNameTheirObject) {
  MakeSite(0, 0);
  internal::LaunchPlan plan = DefaultPlan();
  plan.mutable_mounts(2)->set_inside("/absent");
  auto result = Launch(plan);
  ASSERT_TRUE(absl::holds_alternative<internal::LaunchFailure>(result));
  EXPECT_EQ(absl::get<internal::LaunchFailure>(result).step(), internal::LAUNCH_STEP_MOUNTS);
  EXPECT_EQ(absl::get<internal::LaunchFailure>(result).index(), 2);
  EXPECT_EQ(absl::get<internal::LaunchFailure>(result).error_number(), ENOENT);

  plan = DefaultPlan();
  plan.mutable_exec()->set_work_dir("/proc/self/fd/4");
  result = Launch(plan);
  ASSERT_TRUE(absl::holds_alternative<internal::LaunchFailure>(result));
  EXPECT_EQ(absl::get<internal::LaunchFailure>(result).step(), internal::LAUNCH_STEP_CWD);
}

TEST_F(LaunchSteps, CommandThatIsNotThereIsToldByInit) {
  MakeSite(0, 0);
  internal::LaunchPlan plan = DefaultPlan();
  plan.mutable_exec()->clear_candidates();
  plan.mutable_exec()->add_candidates("/local/nope");
  plan.mutable_exec()->add_candidates("/usr/bin/nope");
  auto result = Launch(std::move(plan));
  ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(result));
  launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
  EXPECT_EQ(AwaitExit(task), -ENOENT);
  task.pool->Discard(std::move(task.slot));
}

TEST_F(LaunchSteps, PayloadKilledByASignalIsReportedAsThatSignal) {
  MakeSite(0, 0);
  for (int signal : {SIGTERM, SIGKILL, SIGSEGV, SIGABRT}) {
    internal::LaunchPlan plan = DefaultPlan();
    plan.mutable_exec()->set_args(1, "kill -" + std::to_string(signal) + " $$");
    auto result = Launch(std::move(plan));
    ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(result));
    launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
    const int status = AwaitExit(task);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), signal);
    task.pool->Discard(std::move(task.slot));
  }
}

}  // namespace
}  // namespace cloister
