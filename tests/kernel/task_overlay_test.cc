// A root that its task may change: what it changes is there for it alone, is bounded and charged to
// it, and gives it nothing that it would not have elsewhere.
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cloister/internal/launcher.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "tests/kernel/launch_fixture.h"

namespace cloister {
namespace {

using internal::LaunchPlan;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kBytes = 8 << 20;

class TaskOverlay : public LaunchFixture {
 protected:
  void SetUp() override {
    LaunchFixture::SetUp();
    if (!HasFatalFailure()) MakeSite(0, 0);
  }

  LaunchPlan Plan(uint64_t bytes = kBytes) const {
    LaunchPlan plan = DefaultPlan();
    plan.mutable_root()->set_overlay_bytes(bytes);
    return plan;
  }

  std::string Sh(LaunchPlan plan, const std::string& script) {
    plan.mutable_exec()->set_args(1, absl::StrCat("exec 2>&1; ", script));
    auto result = Launch(std::move(plan));
    if (auto* failure = absl::get_if<internal::LaunchFailure>(&result)) {
      return failure->ShortDebugString();
    }
    launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
    AwaitExit(task);
    const std::string output = Output(task);
    EXPECT_THAT(task.slot.Kill(absl::Seconds(5)), IsOk());
    task.pool->Discard(std::move(task.slot));
    return output;
  }
};

TEST_F(TaskOverlay, WhatATaskChangesIsThereForItAlone) {
  const std::string change =
      "echo a >/new; mkdir /opt && echo b >/opt/b; echo c >/etc/c; mv /etc/hostname /etc/moved;"
      "rm -f /etc/passwd; echo own >/etc/passwd; ln -s /opt /usr/o; cat /new /usr/o/b /etc/c "
      "/etc/passwd; ls /etc/hostname 2>/dev/null; echo done";
  EXPECT_EQ(Sh(Plan(), change), "a\nb\nc\nown\ndone\n");
  EXPECT_EQ(Sh(Plan(), "ls /new /opt /etc/c /usr/o 2>/dev/null; head -c 5 /etc/passwd"), "root:");
  EXPECT_EQ(Sh(DefaultPlan(), "ls /new /opt /etc/c /usr/o 2>/dev/null; head -c 5 /etc/passwd"),
            "root:");
  EXPECT_NE(access("/etc/c", F_OK), 0);
  EXPECT_NE(access("/usr/o", F_OK), 0);
}

TEST_F(TaskOverlay, WhatIsDeeperKeepsItsOwnerAndWhatIsClosedStaysClosed) {
  EXPECT_EQ(Sh(Plan(),
               "stat -c '%n %u %a' / /usr /usr/bin /etc/shadow; cat /etc/shadow 2>/dev/null;"
               "(echo x >/usr/bin/x) 2>/dev/null && echo wrote; (echo x >>/etc/hosts) 2>/dev/null "
               "&& echo appended; (echo x >/sys/x) 2>/dev/null; (echo x >/dev/x) 2>/dev/null;"
               "mv /etc/shadow /etc/s && cat /etc/s 2>/dev/null; echo done"),
            absl::StrCat("/ 65534 755\n/usr 65534 755\n/usr/bin 0 755\n/etc/shadow 0 640\ndone\n"));
}

TEST_F(TaskOverlay, EverythingIsNosuidAndNodev) {
  const std::string mounts = Sh(Plan(), "grep -v -e ' /dev/pts ' /proc/self/mountinfo");
  EXPECT_THAT(mounts, HasSubstr(" / rw,nosuid,nodev"));
  EXPECT_THAT(mounts, HasSubstr(" /usr rw,nosuid,nodev"));
  EXPECT_EQ(Sh(Plan(), "mkdir /b && cp /usr/bin/id /b/id && chmod 4755 /b/id && /b/id -u"),
            "65534\n");
  // Nothing of the making shows.
  EXPECT_THAT(mounts, Not(HasSubstr(absl::StrCat("size=", kBytes >> 10, "k"))));
}

TEST_F(TaskOverlay, ItIsBoundedInBytesAndFiles) {
  EXPECT_EQ(Sh(Plan(),
               "exec 2>/dev/null; head -c 9000000 /dev/zero >/big && echo all; rm /big;"
               "head -c 7000000 /dev/zero >/b && echo fits; head -c 7000000 /dev/zero >/usr/b && "
               "echo both"),
            "fits\n");
  EXPECT_THAT(Sh(Plan(65536),
                 "i=0; while [ $i -lt 2000 ]; do (: >/f$i) || break; i=$((i+1)); done;"
                 "[ $i -lt 1100 ] && echo bounded"),
              HasSubstr("bounded"));
}

TEST_F(TaskOverlay, ItCountsTowardsTheTasksMemory) {
  LaunchPlan plan = Plan(uint64_t{256} << 20);
  for (auto& hierarchy : *plan.mutable_cgroup()->mutable_hierarchies()) {
    for (auto& write : *hierarchy.mutable_limits()) {
      const bool is_limit = write.file() == "memory.max" ||
                            write.file() == "memory.limit_in_bytes" ||
                            write.file() == "memory.memsw.limit_in_bytes";
      if (is_limit) write.set_value("33554432");
    }
  }
  EXPECT_THAT(Sh(plan, "head -c 100000000 /dev/zero >/big && echo all; echo after"),
              Not(HasSubstr("all")));
}

TEST_F(TaskOverlay, RootOfIdsOfItsOwnHasItAsItsOwn) {
  LaunchPlan plan = Plan();
  internal::Identity* identity = plan.mutable_identity();
  identity->set_uid(0);
  identity->set_gid(0);
  identity->clear_groups();
  internal::Identity::UserNamespace* space = identity->mutable_user_namespace();
  space->set_first(1879048192);
  space->set_count(65536);
  space->set_outside_uid(1879048192);
  space->set_outside_gid(1879048192);
  plan.set_namespaces(plan.namespaces() | CLONE_NEWUSER);
  EXPECT_EQ(Sh(plan,
               "stat -c %u / /etc /etc/shadow; echo a >/etc/a && cat /etc/a;"
               "cat /etc/shadow 2>/dev/null; (echo x >>/etc/hosts) 2>/dev/null; echo done"),
            "0\n0\n65534\na\ndone\n");
}

TEST_F(TaskOverlay, NothingOfItStays) {
  const Residue before = Measure();
  Sh(Plan(), "echo a >/new");
  absl::StatusOr<cgroup::SlotPool*> pool = site_->PoolFor(DefaultPlan().cgroup());
  ASSERT_THAT(pool, IsOk());
  EXPECT_THAT((*pool)->AwaitRemoved(absl::Seconds(5)), IsOk());
  EXPECT_THAT((*pool)->AwaitReady(), IsOk());
  const Residue after = Measure();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.mounts, before.mounts);
}

}  // namespace
}  // namespace cloister
