#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_matchers.h"
#include "libs/cgroup/slot.h"
#include "libs/cgroup/slot_sweep.h"
#include "tests/kernel/cgroup/cgroup_fixture.h"

namespace cloister::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kMiB = uint64_t{1} << 20;

int OpenFds() {
  int count = 0;
  DIR* stream = opendir("/proc/self/fd");
  while (readdir(stream) != nullptr) ++count;
  closedir(stream);
  return count;
}

int CountOf(const std::string& text, const std::string& part) {
  return static_cast<int>(std::vector<std::string>(absl::StrSplit(text, part)).size()) - 1;
}

class SlotKernelTest : public CgroupFixture {
 protected:
  // The value that the kernel shows for limit `index` of hierarchy `hierarchy`.
  static std::string Shown(const CgroupSlot& slot, const internal::CgroupPlan& plan, int hierarchy,
                           int index) {
    const SlotDirectory directory = slot.directories()[hierarchy];
    return ReadAll(absl::StrCat(directory.mount_point, "/", directory.path, "/",
                                plan.hierarchies(hierarchy).limits(index).file()));
  }
};

TEST_F(SlotKernelTest, TheKernelHoldsEveryLimitOfThePlan) {
  const internal::CgroupPlan plan = Plan({2048, 64 * kMiB, 33});
  CgroupSlot slot = MakeSlot(plan, "s-1");
  int limits = 0;
  for (int h = 0; h < plan.hierarchies_size(); ++h) {
    for (int l = 0; l < plan.hierarchies(h).limits_size(); ++l, ++limits) {
      EXPECT_EQ(Shown(slot, plan, h, l), plan.hierarchies(h).limits(l).value() + "\n");
    }
  }
  EXPECT_GE(limits, 3);
  EXPECT_THAT(slot.Remove(), IsOk());
}

TEST_F(SlotKernelTest, ARefusedLimitNamesFileIndexAndErrno) {
  internal::CgroupPlan plan = Plan();
  CgroupSlot slot = MakeSlot(plan, "s-1");
  int index_of_pids = 0;
  internal::CgroupPlan::Write* pids = nullptr;
  for (auto& hierarchy : *plan.mutable_hierarchies()) {
    for (auto& limit : *hierarchy.mutable_limits()) {
      if (pids == nullptr && limit.file() == "pids.max") pids = &limit;
      if (pids == nullptr) ++index_of_pids;
    }
  }
  ASSERT_NE(pids, nullptr);
  pids->set_value("-5");
  int index = -1;
  const absl::Status status = slot.Limit(plan, &index);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                               EndsWith(parent_ + "/share/s-1/pids.max: invalid argument")));
  EXPECT_EQ(ErrnoOf(status), EINVAL);
  EXPECT_EQ(index, index_of_pids);
  EXPECT_THAT(slot.Remove(), IsOk());
}

TEST_F(SlotKernelTest, AProcessIsInTheSlotInEveryHierarchy) {
  const internal::CgroupPlan plan = Plan();
  CgroupSlot slot = MakeSlot(plan, "s-1");
  const Member& member = SleepIn(slot);
  const std::string cgroups = ReadAll(absl::StrCat("/proc/", member.pid, "/cgroup"));
  EXPECT_EQ(CountOf(cgroups, parent_ + "/share/s-1\n"), plan.hierarchies_size()) << cgroups;
  EXPECT_THAT(slot.Kill(absl::Seconds(10)), IsOk());
  EXPECT_THAT(RemoveSoon(slot), IsOk());
}

TEST_F(SlotKernelTest, RemovalIsRefusedWhileAProcessIsInItAndCanBeRepeated) {
  CgroupSlot slot = MakeSlot(Plan(), "s-1");
  Member& member = SleepIn(slot);
  const absl::Status busy = slot.Remove();
  EXPECT_THAT(busy, StatusIs(absl::StatusCode::kFailedPrecondition,
                             HasSubstr("s-1: device or resource busy")));
  EXPECT_EQ(ErrnoOf(busy), EBUSY);
  EXPECT_THAT(slot.Kill(absl::Seconds(10)), IsOk());
  EXPECT_EQ(WTERMSIG(WaitFor(member)), SIGKILL);
  EXPECT_THAT(RemoveSoon(slot), IsOk());
  EXPECT_THAT(slot.Remove(), IsOk());
  EXPECT_THAT(Existing("share/s-1"), IsEmpty());
  EXPECT_THAT(slot.Kill(absl::ZeroDuration()), IsOk());
  EXPECT_THAT(slot.Stats(), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SlotKernelTest, KillTakesAForkBombWithItsOrphans) {
  CgroupSlot slot = MakeSlot(Plan({100, 64 * kMiB, 40}), "s-1");
  WaitFor(StartIn(slot, {"tests/payloads/fork_bomb"}));
  EXPECT_THAT(slot.Remove(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(slot.Kill(absl::Seconds(10)), IsOk());
  EXPECT_THAT(RemoveSoon(slot), IsOk());
}

TEST_F(SlotKernelTest, V1AloneKillsAForkBombThatGoesOn) {
  if (!HasV1()) GTEST_SKIP() << "no v1 hierarchies here";
  const internal::CgroupPlan plan = PlanOfV1Alone({100, 64 * kMiB, 40});
  CgroupSlot slot = MakeSlot(plan, "s-1");
  // Each child lives for a moment and the shell makes new ones as fast as it can.
  StartIn(slot, {"/bin/sh", "-c", "while :; do (read line < /dev/zero) & done 2>/dev/null"});
  std::string pids_directory;
  for (const SlotDirectory& directory : slot.directories()) {
    const std::string path = absl::StrCat(directory.mount_point, "/", directory.path);
    if (access((path + "/pids.current").c_str(), F_OK) == 0) pids_directory = path;
  }
  // Until it is at its limit.
  while (ReadAll(pids_directory + "/pids.current") != "40\n") sched_yield();
  EXPECT_THAT(slot.Kill(absl::Seconds(20)), IsOk());
  EXPECT_THAT(RemoveSoon(slot), IsOk());
}

TEST_F(SlotKernelTest, V1AloneSparesProcessesOutside) {
  if (!HasV1()) GTEST_SKIP() << "no v1 hierarchies here";
  const internal::CgroupPlan plan = PlanOfV1Alone();
  CgroupSlot inside = MakeSlot(plan, "s-1");
  CgroupSlot outside = MakeSlot(plan, "s-2");
  Member& victim = SleepIn(inside);
  const Member& bystander = SleepIn(outside);
  EXPECT_THAT(inside.Kill(absl::Seconds(10)), IsOk());
  EXPECT_EQ(WTERMSIG(WaitFor(victim)), SIGKILL);
  EXPECT_FALSE(bystander.pidfd.HasEnded());
  EXPECT_THAT(RemoveSoon(inside), IsOk());
  EXPECT_THAT(outside.Kill(absl::Seconds(10)), IsOk());
  EXPECT_THAT(RemoveSoon(outside), IsOk());
}

TEST_F(SlotKernelTest, CountsMemoryPeakCpuTimeAndNoKillOfAQuietTask) {
  CgroupSlot slot = MakeSlot(Plan({100, 256 * kMiB, 40}), "s-1");
  EXPECT_EQ(WaitFor(StartIn(slot, {"tests/payloads/allocate", "32"})), 0);
  absl::StatusOr<CgroupStats> stats = slot.Stats();
  ASSERT_THAT(stats, IsOk());
  EXPECT_EQ(stats->oom_kills, 0u);
  EXPECT_GE(stats->memory_peak_bytes, 32 * kMiB);
  EXPECT_LE(stats->memory_peak_bytes, 256 * kMiB);
  EXPECT_GT(stats->cpu_time_ns, 0u);
  EXPECT_THAT(RemoveSoon(slot), IsOk());
}

TEST_F(SlotKernelTest, CountsWhatTheKernelKilledForMemory) {
  CgroupSlot slot = MakeSlot(Plan({100, 16 * kMiB, 40}), "s-1");
  EXPECT_EQ(WTERMSIG(WaitFor(StartIn(slot, {"tests/payloads/allocate", "64"}))), SIGKILL);
  absl::StatusOr<CgroupStats> stats = slot.Stats();
  ASSERT_THAT(stats, IsOk());
  EXPECT_EQ(stats->oom_kills, 1u);
  EXPECT_LE(stats->memory_peak_bytes, 16 * kMiB);
  EXPECT_THAT(RemoveSoon(slot), IsOk());
}

TEST_F(SlotKernelTest, IsFoundAgainByItsRecord) {
  std::vector<SlotDirectory> record;
  {
    const CgroupSlot slot = MakeSlot(Plan({100, 16 * kMiB, 40}), "s-1");
    record = slot.directories();
    WaitFor(StartIn(slot, {"tests/payloads/allocate", "64"}));
    SleepIn(slot);
  }
  absl::StatusOr<CgroupSlot> slot = CgroupSlot::Open(record);
  ASSERT_THAT(slot, IsOk());
  EXPECT_THAT(slot->Kill(absl::Seconds(10)), IsOk());
  absl::StatusOr<CgroupStats> stats = slot->Stats();
  ASSERT_THAT(stats, IsOk());
  EXPECT_EQ(stats->oom_kills, 1u);
  EXPECT_GT(stats->memory_peak_bytes, 0u);
  EXPECT_THAT(RemoveSoon(*slot), IsOk());
  EXPECT_THAT(Existing("share/s-1"), IsEmpty());
}

TEST_F(SlotKernelTest, WorksWhereNoCgroupIsMounted) {
  const internal::CgroupPlan plan = Plan();
  const std::shared_ptr<const SlotParents> parents = Parents(plan);
  const std::string empty = testing::TempDir() + "empty_root";
  ASSERT_EQ(mkdir(empty.c_str(), 0700), 0);
  // A root of its own for one thread, as a launch thread has.
  std::thread thread([&] {
    ASSERT_EQ(unshare(CLONE_FS), 0);
    ASSERT_EQ(chroot(empty.c_str()), 0);
    absl::StatusOr<CgroupSlot> slot = CgroupSlot::Create(parents, "s-1");
    ASSERT_THAT(slot, IsOk());
    EXPECT_THAT(slot->Limit(plan), IsOk());
    EXPECT_THAT(slot->Kill(absl::ZeroDuration()), IsOk());
    EXPECT_THAT(slot->Stats(), IsOk());
    EXPECT_THAT(slot->Remove(), IsOk());
  });
  thread.join();
  ASSERT_EQ(rmdir(empty.c_str()), 0);
}

TEST_F(SlotKernelTest, HoldsOneDescriptorPerHierarchyUntilTheTaskHasJoined) {
  const internal::CgroupPlan plan = Plan();
  const std::shared_ptr<const SlotParents> parents = Parents(plan);
  const int before = OpenFds();
  absl::StatusOr<CgroupSlot> slot = CgroupSlot::Create(parents, "s-1");
  ASSERT_THAT(slot, IsOk());
  EXPECT_EQ(OpenFds(), before + plan.hierarchies_size());
  slot->CloseJoinFds();
  EXPECT_EQ(OpenFds(), before);
  EXPECT_THAT(slot->Kill(absl::ZeroDuration()), IsOk());
  EXPECT_THAT(slot->Stats(), IsOk());
  EXPECT_THAT(slot->Remove(), IsOk());
  EXPECT_EQ(OpenFds(), before);
}

TEST_F(SlotKernelTest, SweepTakesTheSlotsOfOneLauncherAndNoOthers) {
  const internal::CgroupPlan plan = Plan();
  for (const char* name : {"l1-1", "l1-22", "l1-2-1", "l12-1", "l1-"}) MakeSlot(plan, name);
  // As a creation that was cut short leaves it.
  ASSERT_EQ(
      mkdir(absl::StrCat(plan.hierarchies(0).mount_point(), "/", parent_, "/share/l1-3").c_str(),
            0755),
      0);
  absl::StatusOr<CgroupSlot> slot = CgroupSlot::Refer(Parents(plan), "l1-22");
  ASSERT_THAT(slot, IsOk());
  Member& member = SleepIn(MakeSlot(plan, "l1-22"));
  EXPECT_THAT(SweepSlots(Parents(plan), "l1", absl::Seconds(10)), IsOk());
  EXPECT_EQ(WTERMSIG(WaitFor(member)), SIGKILL);
  EXPECT_THAT(ListSlots(*Parents(plan)), IsOkAndHolds(ElementsAre("l1-", "l1-2-1", "l12-1")));
  EXPECT_THAT(SweepSlots(Parents(plan), "l1", absl::ZeroDuration()), IsOk());
}

}  // namespace
}  // namespace cloister::cgroup
