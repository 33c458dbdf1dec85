#include "libs/cgroup/slot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_matchers.h"
#include "libs/cgroup/testing/fake_cgroup_fs.h"
#include "libs/os/spawn.h"

namespace cloister::cgroup {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// The slot's directories are there before it is made, as only the kernel would put files into new
// ones.
class SlotTest : public testing::Test {
 protected:
  void MakeHybrid() {
    fs_.Add("memory/c/share/l1-7", {{"tasks", ""},
                                    {"cgroup.procs", ""},
                                    {"memory.limit_in_bytes", ""},
                                    {"memory.memsw.limit_in_bytes", ""},
                                    {"memory.oom_control", "oom_kill_disable 0\noom_kill 3\n"},
                                    {"memory.max_usage_in_bytes", "4096\n"}});
    fs_.Add("pids/c/share/l1-7", {{"tasks", ""}, {"cgroup.procs", ""}, {"pids.max", ""}});
    fs_.Add("unified/c/share/l1-7", {{"cgroup.events", "populated 0\nfrozen 0\n"},
                                     {"cgroup.kill", ""},
                                     {"cgroup.procs", ""},
                                     {"cpu.stat", "usage_usec 21\nuser_usec 1\n"}});
    *plan_.add_hierarchies() =
        fs_.Hierarchy("memory", "c/share", false, "memory",
                      "memory.limit_in_bytes=9 memory.memsw.limit_in_bytes=8");
    *plan_.add_hierarchies() = fs_.Hierarchy("pids", "c/share", false, "pids", "pids.max=7");
    *plan_.add_hierarchies() = fs_.Hierarchy("unified", "c/share", true, "", "");
  }

  void MakeV1() {
    MakeHybrid();
    plan_.mutable_hierarchies()->RemoveLast();
  }

  CgroupSlot Slot() {
    absl::StatusOr<std::shared_ptr<const SlotParents>> parents = OpenSlotParents(plan_);
    EXPECT_THAT(parents, IsOk());
    absl::StatusOr<CgroupSlot> slot = CgroupSlot::Create(*parents, "l1-7");
    EXPECT_THAT(slot, IsOk());
    return *std::move(slot);
  }

  FakeCgroupFs fs_;
  internal::CgroupPlan plan_;
};

TEST_F(SlotTest, WritesEachLimitIntoItsFile) {
  MakeHybrid();
  EXPECT_THAT(Slot().Limit(plan_), IsOk());
  EXPECT_EQ(fs_.Read("memory/c/share/l1-7/memory.limit_in_bytes"), "9");
  EXPECT_EQ(fs_.Read("memory/c/share/l1-7/memory.memsw.limit_in_bytes"), "8");
  EXPECT_EQ(fs_.Read("pids/c/share/l1-7/pids.max"), "7");
}

TEST_F(SlotTest, AFailedLimitNamesTheFileAndItsPlaceInThePlan) {
  MakeHybrid();
  plan_.mutable_hierarchies(1)->mutable_limits(0)->set_file("pids.nope");
  int index = -1;
  const absl::Status status = Slot().Limit(plan_, &index);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound,
                               absl::StrCat(fs_.root(),
                                            "/pids/c/share/l1-7/pids.nope: no such "
                                            "file or directory")));
  EXPECT_EQ(ErrnoOf(status), ENOENT);
  EXPECT_EQ(index, 2);
}

TEST_F(SlotTest, WritesNoFileOutsideTheSlot) {
  MakeHybrid();
  fs_.Add("pids/c/share", {{"pids.max", ""}});
  plan_.mutable_hierarchies(1)->mutable_limits(0)->set_file("../pids.max");
  EXPECT_THAT(Slot().Limit(plan_), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(fs_.Read("pids/c/share/pids.max"), "");
}

TEST_F(SlotTest, RefusesThePlanOfOtherHierarchies) {
  MakeHybrid();
  const CgroupSlot slot = Slot();
  internal::CgroupPlan other = plan_;
  other.mutable_hierarchies(0)->set_parent("elsewhere");
  EXPECT_THAT(slot.Limit(other), StatusIs(absl::StatusCode::kInvalidArgument));
  plan_.mutable_hierarchies()->RemoveLast();
  EXPECT_THAT(slot.Limit(plan_), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SlotTest, LendsTasksFilesInPlanOrderAndTheV2Directory) {
  MakeHybrid();
  CgroupSlot slot = Slot();
  const JoinFds fds = slot.GetJoinFds();
  ASSERT_THAT(fds.tasks, SizeIs(2));
  ASSERT_EQ(write(fds.tasks[0], "0", 1), 1);
  EXPECT_EQ(fs_.Read("memory/c/share/l1-7/tasks"), "0");
  EXPECT_EQ(fs_.Read("pids/c/share/l1-7/tasks"), "");
  EXPECT_EQ(faccessat(fds.clone_into, "cgroup.kill", F_OK, 0), 0);
  slot.CloseJoinFds();
  EXPECT_THAT(slot.GetJoinFds().tasks, SizeIs(0));
  EXPECT_EQ(slot.GetJoinFds().clone_into, -1);
}

TEST_F(SlotTest, CountsFromWhereEachHierarchyCounts) {
  MakeHybrid();
  absl::StatusOr<CgroupStats> stats = Slot().Stats();
  ASSERT_THAT(stats, IsOk());
  EXPECT_EQ(stats->oom_kills, 3u);
  EXPECT_EQ(stats->memory_peak_bytes, 4096u);
  EXPECT_EQ(stats->cpu_time_ns, 21'000u);
}

TEST_F(SlotTest, CountsOnV2Alone) {
  fs_.Add("u/c/share/l1-7", {{"cgroup.events", "populated 0\n"},
                             {"cpu.stat", "usage_usec 2\n"},
                             {"memory.events", "oom 9\noom_kill 1\n"},
                             {"memory.peak", "8192\n"}});
  *plan_.add_hierarchies() = fs_.Hierarchy("u", "c/share", true, "cpu memory pids", "");
  absl::StatusOr<CgroupStats> stats = Slot().Stats();
  ASSERT_THAT(stats, IsOk());
  EXPECT_EQ(stats->oom_kills, 1u);
  EXPECT_EQ(stats->memory_peak_bytes, 8192u);
  EXPECT_EQ(stats->cpu_time_ns, 2'000u);
}

TEST_F(SlotTest, AReopenedSlotCountsTheSame) {
  MakeHybrid();
  absl::StatusOr<CgroupSlot> slot = CgroupSlot::Open(Slot().directories());
  ASSERT_THAT(slot, IsOk());
  EXPECT_EQ(slot->name(), "l1-7");
  EXPECT_THAT(slot->directories(), SizeIs(3));
  absl::StatusOr<CgroupStats> stats = slot->Stats();
  ASSERT_THAT(stats, IsOk());
  EXPECT_EQ(stats->oom_kills, 3u);
  EXPECT_EQ(stats->cpu_time_ns, 21'000u);
}

TEST_F(SlotTest, AReopenedSlotThatIsGoneNeedsNothingMore) {
  absl::StatusOr<CgroupSlot> slot =
      CgroupSlot::Open({{fs_.root(), "c/share/x"}, {fs_.root() + "/gone", "c/share/x"}});
  ASSERT_THAT(slot, IsOk());
  EXPECT_THAT(slot->Kill(absl::ZeroDuration()), IsOk());
  EXPECT_THAT(slot->Remove(), IsOk());
}

TEST_F(SlotTest, RefusesRecordsThatAreNoSlot) {
  EXPECT_THAT(CgroupSlot::Open({{fs_.root(), "x"}}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CgroupSlot::Open({{fs_.root(), "a/.."}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CgroupSlot::Open({{fs_.root(), "a/x"}, {fs_.root(), "a/y"}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SlotTest, RefusesNamesThatLeadElsewhere) {
  MakeHybrid();
  absl::StatusOr<std::shared_ptr<const SlotParents>> parents = OpenSlotParents(plan_);
  ASSERT_THAT(parents, IsOk());
  for (const char* name : {"", ".", "..", "a/b", "../x"}) {
    EXPECT_THAT(CgroupSlot::Create(*parents, name), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST_F(SlotTest, AFailedCreationLeavesNothingThatItMade) {
  MakeHybrid();
  absl::StatusOr<std::shared_ptr<const SlotParents>> parents = OpenSlotParents(plan_);
  ASSERT_THAT(parents, IsOk());
  // No kernel puts `tasks` in there.
  EXPECT_THAT(CgroupSlot::Create(*parents, "fresh"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/memory/c/share/fresh/tasks: ")));
  fs_.Add("unified/c/share/taken", {});
  EXPECT_THAT(CgroupSlot::Create(*parents, "taken", CgroupSlot::Existing::kRefuse),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("/unified/c/share/taken: ")));
  EXPECT_FALSE(fs_.Exists("memory/c/share/fresh"));
  EXPECT_FALSE(fs_.Exists("unified/c/share/fresh"));
  EXPECT_FALSE(fs_.Exists("memory/c/share/taken"));
  EXPECT_TRUE(fs_.Exists("unified/c/share/taken"));
}

TEST_F(SlotTest, LeavesAnEmptyV2SlotUnkilled) {
  MakeHybrid();
  EXPECT_THAT(Slot().Kill(absl::ZeroDuration()), IsOk());
  EXPECT_EQ(fs_.Read("unified/c/share/l1-7/cgroup.kill"), "");
}

TEST_F(SlotTest, KillsByOneWriteOnV2AndSaysWhoIsStillThere) {
  MakeHybrid();
  fs_.Add("unified/c/share/l1-7", {{"cgroup.events", "populated 1\n"}, {"cgroup.procs", "7\n8\n"}});
  EXPECT_THAT(Slot().Kill(absl::ZeroDuration()),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr("/unified/c/share/l1-7: killed, but still there: process 7, 8")));
  EXPECT_EQ(fs_.Read("unified/c/share/l1-7/cgroup.kill"), "1");
}

TEST_F(SlotTest, LeavesAnEmptyV1SlotAlone) {
  MakeV1();
  EXPECT_THAT(Slot().Kill(absl::ZeroDuration()), IsOk());
  EXPECT_EQ(fs_.Read("pids/c/share/l1-7/pids.max"), "");
}

TEST_F(SlotTest, StopsForksAndSignalsEachMemberOnV1) {
  MakeV1();
  absl::StatusOr<SpawnedProcess> process = Spawn({{"/bin/sleep", "1000"}, {}, {}, false});
  ASSERT_THAT(process, IsOk());
  fs_.Add("pids/c/share/l1-7", {{"cgroup.procs", absl::StrCat(process->pid, "\n")}});
  EXPECT_THAT(Slot().Kill(absl::ZeroDuration()), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(fs_.Read("pids/c/share/l1-7/pids.max"), "0");
  absl::StatusOr<int> status = process->pidfd.WaitAndReap();
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(*status, SIGKILL);
}

TEST_F(SlotTest, NeverKillsItsCaller) {
  MakeV1();
  fs_.Add("memory/c/share/l1-7", {{"cgroup.procs", absl::StrCat(getpid(), "\n")}});
  EXPECT_THAT(Slot().Kill(absl::ZeroDuration()),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("this process is in it")));
}

TEST(CgroupSlot, WithoutCgroupsEveryVerbDoesNothing) {
  absl::StatusOr<std::shared_ptr<const SlotParents>> parents = OpenSlotParents({});
  ASSERT_THAT(parents, IsOk());
  absl::StatusOr<CgroupSlot> slot = CgroupSlot::Create(*parents, "x");
  ASSERT_THAT(slot, IsOk());
  EXPECT_THAT(slot->Limit({}), IsOk());
  EXPECT_EQ(slot->GetJoinFds().clone_into, -1);
  EXPECT_THAT(slot->Kill(absl::ZeroDuration()), IsOk());
  EXPECT_THAT(slot->Stats(), IsOk());
  EXPECT_THAT(slot->Remove(), IsOk());
  EXPECT_THAT(CgroupSlot().Remove(), IsOk());
}

TEST(OpenSlotParents, NamesTheDirectoryThatIsNotThere) {
  FakeCgroupFs fs;
  internal::CgroupPlan plan;
  *plan.add_hierarchies() = fs.Hierarchy("pids", "c/share", false, "pids", "");
  EXPECT_THAT(OpenSlotParents(plan),
              StatusIs(absl::StatusCode::kNotFound,
                       absl::StrCat(fs.root(), "/pids/c/share: no such file or directory")));
  plan.mutable_hierarchies(0)->set_parent("../etc");
  EXPECT_THAT(OpenSlotParents(plan), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cloister::cgroup
