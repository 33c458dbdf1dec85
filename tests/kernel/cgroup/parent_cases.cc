#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_matchers.h"
#include "libs/cgroup/parent.h"
#include "libs/cgroup/placement.h"
#include "tests/kernel/cgroup/cgroup_fixture.h"

namespace cloister::cgroup {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ParentKernelTest : public CgroupFixture {
 protected:
  std::vector<HierarchyUse> Uses() const { return *ChooseHierarchies(facts_); }
};

TEST_F(ParentKernelTest, MakesItsThreeCgroupsInEachHierarchyAndMovesIn) {
  EXPECT_THAT(Existing("share"), SizeIs(Uses().size()));
  EXPECT_THAT(Existing("reserve"), SizeIs(Uses().size()));
  EXPECT_THAT(Existing("supervisor"), SizeIs(Uses().size()));
  for (const HierarchyUse& use : Uses()) {
    const std::string members =
        ReadAll(absl::StrCat(use.hierarchy->mount_point, "/", parent_, "/supervisor/cgroup.procs"));
    EXPECT_EQ(members, absl::StrCat(getpid(), "\n")) << use.hierarchy->mount_point;
  }
}

TEST_F(ParentKernelTest, MayBeMadeAgain) {
  const std::string before = OwnCgroups();
  EXPECT_THAT(MakeParent(facts_, parent_), IsOk());
  EXPECT_EQ(OwnCgroups(), before);
}

TEST_F(ParentKernelTest, SlotsHaveTheControllersThatTheyNeed) {
  const internal::CgroupPlan plan = Plan();
  const CgroupSlot slot = MakeSlot(plan, "s-1");
  const CgroupSlot reserve = MakeSlot(
      [&plan] {
        internal::CgroupPlan other = plan;
        for (auto& hierarchy : *other.mutable_hierarchies()) {
          std::string* parent = hierarchy.mutable_parent();
          parent->replace(parent->rfind('/') + 1, std::string::npos, std::string(kReserve));
        }
        return other;
      }(),
      "s-1");
  for (int h = 0; h < plan.hierarchies_size(); ++h) {
    if (!plan.hierarchies(h).unified()) continue;
    for (const CgroupSlot* each : {&slot, &reserve}) {
      const SlotDirectory directory = each->directories()[h];
      const std::string controllers =
          ReadAll(absl::StrCat(directory.mount_point, "/", directory.path, "/cgroup.controllers"));
      for (const std::string& name : plan.hierarchies(h).controllers()) {
        EXPECT_THAT(controllers, HasSubstr(name));
      }
    }
  }
}

TEST_F(ParentKernelTest, RemovalNamesWhoIsInItAndTakesTheRest) {
  CgroupSlot slot = MakeSlot(Plan(), "s-1");
  MakeSlot(Plan(), "s-2");
  Member& member = SleepIn(slot);
  const absl::Status status = RemoveParent(facts_, parent_, absl::ZeroDuration());
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("device or resource busy")));
  EXPECT_EQ(ErrnoOf(status), EBUSY);
  EXPECT_THAT(std::string(status.message()),
              ::testing::AnyOf(HasSubstr(absl::StrCat("(process ", member.pid, ")")),
                               HasSubstr(absl::StrCat("(process ", getpid(), ")"))));
  EXPECT_THAT(Existing("share/s-2"), IsEmpty());
  EXPECT_THAT(Existing("reserve"), IsEmpty());
  ASSERT_THAT(slot.Kill(absl::Seconds(10)), IsOk());
  WaitFor(member);
  GoBack();
  EXPECT_THAT(RemoveParent(facts_, parent_, absl::Seconds(10)), IsOk());
  EXPECT_THAT(Existing("."), IsEmpty());
  EXPECT_THAT(RemoveParent(facts_, parent_, absl::Seconds(10)), IsOk());
}

TEST_F(ParentKernelTest, AFailureLeavesNothingAndTheProcessWhereItWas) {
  GoBack();
  ASSERT_THAT(RemoveParent(facts_, parent_, absl::Seconds(10)), IsOk());
  const std::string before = OwnCgroups();
  node::CgroupFacts broken = facts_;
  // Nothing is mounted there: the last hierarchy fails after the others were made.
  for (node::CgroupHierarchy& hierarchy : broken.hierarchies) {
    const std::vector<std::string>& names = hierarchy.controllers;
    if (std::find(names.begin(), names.end(), "pids") != names.end())
      hierarchy.mount_point = "/nowhere";
  }
  EXPECT_THAT(MakeParent(broken, parent_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/" + parent_)));
  EXPECT_THAT(Existing("."), IsEmpty());
  EXPECT_EQ(OwnCgroups(), before);
}

// What cgroup v2 alone has: no processes beside children that have controllers.
class ParentOnV2Test : public CgroupFixture {
 protected:
  void SetUp() override {
    CgroupFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    if (HasV1()) GTEST_SKIP() << "v2 has no controllers here; the guest's run of this test does it";
    unit_ = absl::StrCat(facts_.hierarchies[0].mount_point, "/unit-", getpid());
    ASSERT_EQ(mkdir(unit_.c_str(), 0755), 0);
  }

  void TearDown() override {
    CgroupFixture::TearDown();
    if (unit_.empty()) return;
    EXPECT_EQ(rmdir(unit_.c_str()), 0) << errno;
  }

  std::string Name() const { return absl::StrCat("unit-", getpid()); }

  std::string unit_;
};

TEST_F(ParentOnV2Test, TheUnitThatStartedUsMayBeTheParent) {
  std::ofstream(unit_ + "/cgroup.procs") << "0";
  node::CgroupFacts facts = facts_;
  facts.hierarchies[0].own_path = Name();
  ASSERT_THAT(MakeParent(facts, Name()), IsOk());
  EXPECT_THAT(OwnCgroups(), EndsWith("/" + Name() + "/supervisor\n"));
  EXPECT_THAT(ReadAll(unit_ + "/share/cgroup.subtree_control"), HasSubstr("memory"));
  GoBack();
  // The unit itself is systemd's to remove; here it is the test's.
  EXPECT_THAT(RemoveParent(facts, Name(), absl::Seconds(10)), IsOk());
  ASSERT_EQ(mkdir(unit_.c_str(), 0755), 0);
}

TEST_F(ParentOnV2Test, SaysWhichProcessesStandInTheWay) {
  // One that is not ours to move, in a cgroup on the way.
  CgroupSlot nowhere = MakeSlot(Plan(), "s-1");
  Member& stranger = SleepIn(nowhere);
  std::ofstream(unit_ + "/cgroup.procs") << stranger.pid;
  const std::string before = OwnCgroups();
  node::CgroupFacts facts = facts_;
  facts.hierarchies[0].own_path = parent_ + "/supervisor";
  EXPECT_THAT(MakeParent(facts, Name() + "/inner"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(unit_ + "/cgroup.subtree_control"),
                             HasSubstr(absl::StrCat("(process ", stranger.pid, ")")),
                             HasSubstr("--cgroup_parent"))));
  EXPECT_EQ(OwnCgroups(), before);
  EXPECT_NE(access((unit_ + "/inner").c_str(), F_OK), 0);
  ASSERT_THAT(stranger.pidfd.Signal(SIGKILL), IsOk());
  WaitFor(stranger);
}

}  // namespace
}  // namespace cloister::cgroup
