// Tasks with ids of their own (a user namespace with a range): who they are inside and outside,
// what their files are to the node and to each other, and that they share nothing that is counted
// by uid.
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cloister/internal/launcher.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "tests/kernel/launch_fixture.h"

namespace cloister {
namespace {

using internal::LaunchPlan;
using internal::Mount;
using ::testing::HasSubstr;

constexpr uint32_t kFirst = 1879048192;
constexpr uint32_t kCount = 65536;
// What a uid-0 task has of the usual thirteen.
constexpr uint64_t kRootsOwn = 1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE | 1 << CAP_FOWNER |
                               1 << CAP_FSETID | 1 << CAP_KILL | 1 << CAP_SETGID | 1 << CAP_SETUID |
                               1 << CAP_SETPCAP | 1 << CAP_SYS_CHROOT;

// Takes what one user may have of the kernel, and says how much that was.
constexpr char kExhaust[] = R"py(
import ctypes, os, resource, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
instances = 0
while libc.inotify_init() >= 0: instances += 1
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
resource.setrlimit(resource.RLIMIT_SIGPENDING, (200, 200))
pending = 0
while libc.sigqueue(os.getpid(), signal.SIGRTMIN, 0) == 0: pending += 1
print(instances, pending, flush=True)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
if sys.argv[1] == "stay": signal.sigwait([signal.SIGTERM])
)py";

class TaskIds : public LaunchFixture {
 protected:
  void SetUp() override {
    LaunchFixture::SetUp();
    if (!HasFatalFailure()) MakeSite(0, 0);
  }

  LaunchPlan PlanAs(uint32_t uid, uint32_t first = kFirst) const {
    LaunchPlan plan = DefaultPlan();
    internal::Identity* identity = plan.mutable_identity();
    identity->set_uid(uid);
    identity->set_gid(uid);
    internal::Identity::UserNamespace* space = identity->mutable_user_namespace();
    space->set_first(first);
    space->set_count(kCount);
    space->set_outside_uid(first + uid);
    space->set_outside_gid(first + uid);
    if (uid != 0) space->add_volume_uids(uid);
    if (uid != 0) space->add_volume_gids(uid);
    plan.set_namespaces(plan.namespaces() | CLONE_NEWUSER);
    const uint64_t held = uid == 0 ? kRootsOwn : 0;
    plan.mutable_capabilities()->set_bounding(kRootsOwn);
    plan.mutable_capabilities()->set_permitted(held);
    plan.mutable_capabilities()->set_effective(held);
    return plan;
  }

  std::string Finish(launch::LaunchedTask* task) {
    AwaitExit(*task);
    const std::string output = Output(*task);
    EXPECT_THAT(task->slot.Kill(absl::Seconds(5)), IsOk());
    task->pool->Discard(std::move(task->slot));
    return output;
  }

  std::string Sh(LaunchPlan plan, const std::string& script) {
    plan.mutable_exec()->set_args(1, absl::StrCat("exec 2>&1; ", script));
    auto result = Launch(std::move(plan));
    if (auto* failure = absl::get_if<internal::LaunchFailure>(&result)) {
      return failure->ShortDebugString();
    }
    return Finish(&absl::get<launch::LaunchedTask>(result));
  }

  LaunchPlan Exhausting(uint32_t first, const std::string& how) const {
    LaunchPlan plan = PlanAs(1000, first);
    plan.mutable_exec()->clear_args();
    plan.mutable_exec()->set_candidates(0, "/usr/bin/python3");
    for (const std::string& arg : {std::string("-c"), std::string(kExhaust), how}) {
      plan.mutable_exec()->add_args(arg);
    }
    return plan;
  }

  // Until all is made ahead and removed behind.
  void Settle() {
    absl::StatusOr<cgroup::SlotPool*> pool = site_->PoolFor(DefaultPlan().cgroup());
    ASSERT_THAT(pool, IsOk());
    EXPECT_THAT((*pool)->AwaitRemoved(absl::Seconds(5)), IsOk());
    EXPECT_THAT((*pool)->AwaitReady(), IsOk());
    site_->namespaces_ahead().AwaitReady();
  }

  std::string Host(const std::string& path) const { return absl::StrCat(directory_, "/", path); }

  std::string OwnerOf(const std::string& path) const {
    struct stat status;
    if (lstat(Host(path).c_str(), &status) != 0) return "not there";
    return absl::StrCat(status.st_uid, ":", status.st_gid);
  }

  void Write(const std::string& path, const std::string& text, mode_t mode, uid_t owner) const {
    std::ofstream(Host(path)) << text;
    EXPECT_EQ(chown(Host(path).c_str(), owner, owner), 0);
    EXPECT_EQ(chmod(Host(path).c_str(), mode), 0);
  }

  // Directory `outside` of the node at /srv.
  Mount* AddVolume(LaunchPlan* plan, const std::string& outside) const {
    Mount* mount = plan->add_mounts();
    mount->set_kind(Mount::KIND_HOST_DIRECTORY);
    mount->set_inside("/srv");
    mount->set_outside(outside);
    auto* directory = plan->mutable_root()->add_directories();
    directory->set_inside("/srv");
    directory->set_mode(0755);
    return mount;
  }
};

TEST_F(TaskIds, AreTheTasksOwnWhetherTheirNamespaceWasMadeAheadOrNot) {
  const std::string script = "tr -s ' ' </proc/self/uid_map; tr -s ' ' </proc/self/gid_map";
  // The first; the next ones; one before; one far behind; the same again.
  for (uint32_t at : {0, 1, 2, 1, 100, 101, 0, 1}) {
    const uint32_t first = kFirst + at * kCount;
    const std::string map = absl::StrCat(" 0 ", first, " 65536\n");
    EXPECT_EQ(Sh(PlanAs(1000, first), script), absl::StrCat(map, map)) << at;
    site_->namespaces_ahead().AwaitReady();
  }
}

TEST_F(TaskIds, AreZeroToTheLastInsideAndARangeOfTheNodesOutside) {
  EXPECT_EQ(Sh(PlanAs(1000), "id -u; id -G; tr -s ' ' </proc/self/uid_map"),
            "1000\n1000 7\n 0 1879048192 65536\n");
  EXPECT_EQ(Sh(PlanAs(0), "id -u; grep CapEff /proc/self/status"),
            "0\nCapEff:\t00000000000401fb\n");
}

TEST_F(TaskIds, RootOfThemIsNobodyToTheNodesFiles) {
  EXPECT_EQ(
      Sh(PlanAs(0),
         "stat -c %u:%g /etc /usr /; cat /etc/shadow >/dev/null 2>&1 && echo read;"
         "chown 0 /etc 2>/dev/null && echo owned; (echo x >/etc/motd) 2>/dev/null && echo wrote;"
         "mknod /local/sda b 8 0 2>/dev/null && echo made; hostname x 2>/dev/null && echo named;"
         "mount -t tmpfs t /tmp 2>/dev/null && echo mounted;"
         "mount -o remount,rw /usr 2>/dev/null && echo unlocked;"
         "umount /proc/sys 2>/dev/null && echo unmasked; echo done"),
      "65534:65534\n65534:65534\n65534:65534\ndone\n");
}

TEST_F(TaskIds, RootOfThemIsRootOfItsOwnFiles) {
  EXPECT_EQ(Sh(PlanAs(0),
               "cd /local && echo a >f && chown 33:44 f && chmod 600 f && cat f && stat -c %u:%g f;"
               "echo s >/secrets/s && stat -c %u /secrets/s /tmp; touch /dev/shm/m /dev/mqueue/q &&"
               "stat -c %u /dev/shm/m /dev/mqueue/q"),
            "a\n33:44\n0\n0\n0\n0\n");
  EXPECT_EQ(OwnerOf("local"), absl::StrCat(kFirst, ":", kFirst));
  EXPECT_EQ(OwnerOf("local/f"), absl::StrCat(kFirst + 33, ":", kFirst + 44));
}

TEST_F(TaskIds, OutputAndTerminalsAreOpenToIt) {
  EXPECT_EQ(Sh(PlanAs(0), "echo out >/dev/stdout; stat -c %g:%a /dev/pts/ptmx"),
            "out\n65534:666\n");
  EXPECT_EQ(Sh(PlanAs(1000),
               "python3 -c 'import os; m, s = os.openpty(); st = os.fstat(s);"
               "print(st.st_uid, st.st_gid)'"),
            "1000 5\n");
}

TEST_F(TaskIds, InAVolumeItIsWhoItIsInside) {
  ASSERT_EQ(mkdir(Host("vol").c_str(), 0777), 0);
  ASSERT_EQ(chmod(Host("vol").c_str(), 0777), 0);
  Write("vol/own", "own\n", 0600, 1000);
  Write("vol/roots", "roots\n", 0600, 0);
  Write("vol/others", "others\n", 0600, 1001);
  LaunchPlan plan = PlanAs(1000);
  plan.mutable_identity()->mutable_user_namespace()->set_all_volume_ids(true);
  AddVolume(&plan, Host("vol"));
  EXPECT_EQ(Sh(plan,
               "cat /srv/own; stat -c '%n %u' /srv/*; echo new >/srv/new;"
               "cat /srv/roots /srv/others 2>/dev/null; echo done"),
            "own\n/srv/others 1001\n/srv/own 1000\n/srv/roots 0\ndone\n");
  EXPECT_EQ(OwnerOf("vol/new"), "1000:1000");
}

TEST_F(TaskIds, ItsRightsReachNoFileOfSomebodyElseInAVolume) {
  ASSERT_EQ(mkdir(Host("vol").c_str(), 0755), 0);
  ASSERT_EQ(chown(Host("vol").c_str(), 1000, 1000), 0);
  Write("vol/own", "own\n", 0600, 1000);
  Write("vol/roots", "roots\n", 0600, 0);
  const std::string script =
      "cat /srv/own /srv/roots 2>/dev/null; (echo x >/srv/new) 2>/dev/null;"
      "chown 0 /srv/own 2>/dev/null && echo gave; echo done";
  LaunchPlan plan = PlanAs(1000);
  AddVolume(&plan, Host("vol"));
  for (auto set :
       {&internal::Capabilities::set_permitted, &internal::Capabilities::set_effective,
        &internal::Capabilities::set_inheritable, &internal::Capabilities::set_ambient}) {
    (plan.mutable_capabilities()->*set)(1 << CAP_DAC_OVERRIDE | 1 << CAP_CHOWN);
  }
  EXPECT_EQ(Sh(plan, script), "own\ndone\n");
  EXPECT_EQ(OwnerOf("vol/new"), "1000:1000");
  ASSERT_EQ(unlink(Host("vol/new").c_str()), 0);
  // Nor as their root.
  plan = PlanAs(0);
  AddVolume(&plan, Host("vol"));
  EXPECT_EQ(Sh(plan, script), "done\n");
  EXPECT_EQ(OwnerOf("vol/new"), "not there");
}

TEST_F(TaskIds, AVolumeWhoseFilesystemCannotBeMappedIsRefusedWithTheReason) {
  LaunchPlan plan = PlanAs(1000);
  AddVolume(&plan, "/proc");
  const std::string answer = Sh(plan, "echo ran");
  EXPECT_THAT(answer, HasSubstr("LAUNCH_STEP_TASK_DIRECTORY"));
  EXPECT_THAT(answer, HasSubstr("cannot be id-mapped"));
}

TEST_F(TaskIds, ARangeThatIsNotAssignedIsRefused) {
  LaunchPlan plan = PlanAs(1000);
  plan.mutable_identity()->mutable_user_namespace()->set_first(0);
  EXPECT_THAT(Sh(plan, "echo ran"), HasSubstr("not assigned"));
}

TEST_F(TaskIds, WhatOneTaskLeavesAnotherCannotRead) {
  // The same directory, as if the wall in front of it had fallen.
  ASSERT_EQ(Sh(PlanAs(1000), "umask 077; echo secret >/local/f; echo ok"), "ok\n");
  ASSERT_EQ(chmod(Host("local").c_str(), 0755), 0);
  LaunchPlan plan = PlanAs(0, kFirst + kCount);
  for (Mount& mount : *plan.mutable_mounts()) {
    if (mount.inside() == "/local") mount.set_read_only(true);
  }
  EXPECT_EQ(Sh(plan, "stat -c %u /local/f; cat /local/f 2>/dev/null; echo done"), "65534\ndone\n");
}

TEST_F(TaskIds, NoTaskUsesUpWhatTheKernelGivesAnother) {
  auto result = Launch(Exhausting(kFirst, "stay"));
  ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(result))
      << absl::get<internal::LaunchFailure>(result).DebugString();
  launch::LaunchedTask& first = absl::get<launch::LaunchedTask>(result);
  pollfd entry = {first.stdout_pipe.read.get(), POLLIN, 0};
  ASSERT_EQ(poll(&entry, 1, -1), 1);
  const std::string had = Output(first);
  EXPECT_THAT(had, testing::MatchesRegex("[1-9][0-9]* [1-9][0-9]*\n"));
  // Another has as much, and so have we, who made both.
  auto second = Launch(Exhausting(kFirst + kCount, "go"));
  ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(second));
  EXPECT_EQ(Finish(&absl::get<launch::LaunchedTask>(second)), had);
  const OwnedFd ours(inotify_init1(IN_CLOEXEC));
  EXPECT_TRUE(ours.valid());
  // With the same ids there is nothing left: it is the ids that part them.
  auto same = Launch(Exhausting(kFirst, "go"));
  ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(same));
  EXPECT_THAT(Finish(&absl::get<launch::LaunchedTask>(same)), testing::StartsWith("0 "));
  EXPECT_THAT(first.init.Signal(SIGKILL), IsOk());
  Finish(&first);
}

TEST_F(TaskIds, NothingOfTheMakingStays) {
  // Those that are made ahead stay, the same number of them.
  Sh(PlanAs(1000), "true");
  Settle();
  const Residue before = Measure();
  const uid_t ids[] = {getuid(), geteuid()};
  Sh(PlanAs(1000), "true");
  LaunchPlan plan = PlanAs(1000);
  AddVolume(&plan, "/proc");
  Sh(plan, "true");
  Settle();
  const Residue after = Measure();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.mounts, before.mounts);
  EXPECT_FALSE(after.children);
  EXPECT_EQ(getuid(), ids[0]);
  EXPECT_EQ(geteuid(), ids[1]);
}

}  // namespace
}  // namespace cloister
