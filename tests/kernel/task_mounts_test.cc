// Limits, names, generated files and mounts of a task's own, on the real kernel: what the task gets
// of them, and what none of them opens.
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "cloister/internal/launcher.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "tests/kernel/launch_fixture.h"

namespace cloister {
namespace {

using internal::LaunchPlan;
using internal::Mount;
using ::testing::HasSubstr;

constexpr uid_t kNobody = 65534;

struct Outcome {
  int status = -1;
  std::string out;
  // Where the launch itself failed.
  internal::LaunchFailure failure;
};

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class TaskMounts : public LaunchFixture {
 protected:
  void SetUp() override {
    LaunchFixture::SetUp();
    if (!HasFatalFailure()) MakeSite(0, 0);
  }

  Outcome Sh(LaunchPlan plan, const std::string& script) {
    plan.mutable_exec()->set_args(1, script);
    Outcome outcome;
    auto result = Launch(std::move(plan));
    if (auto* failure = absl::get_if<internal::LaunchFailure>(&result)) {
      outcome.failure = *failure;
      return outcome;
    }
    launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
    outcome.status = AwaitExit(task);
    outcome.out = Output(task);
    task.pool->Discard(std::move(task.slot));
    return outcome;
  }

  std::string Host(const std::string& path) const { return absl::StrCat(directory_, "/", path); }

  std::string MakeHostDirectory(const std::string& name) const {
    const std::string path = Host(name);
    EXPECT_EQ(mkdir(path.c_str(), 0755), 0) << path;
    return path;
  }

  void Write(const std::string& path, const std::string& text) const {
    std::ofstream(Host(path)) << text;
    EXPECT_EQ(chmod(Host(path).c_str(), 0644), 0);
  }

  // So that descriptors of slots do not come and go.
  void AwaitSlots() {
    absl::StatusOr<cgroup::SlotPool*> pool = site_->PoolFor(DefaultPlan().cgroup());
    ASSERT_THAT(pool, IsOk());
    EXPECT_THAT((*pool)->AwaitRemoved(absl::Seconds(5)), IsOk());
    EXPECT_THAT((*pool)->AwaitReady(), IsOk());
  }

  // The plan's /etc is this directory.
  LaunchPlan PlanWithEtc(const std::string& etc) const {
    LaunchPlan plan = DefaultPlan();
    plan.mutable_root()->mutable_binds(1)->set_outside(etc);
    return plan;
  }

  static void AddFile(const std::string& inside, const std::string& content, LaunchPlan* plan) {
    internal::GeneratedFile* file = plan->add_files();
    file->set_inside(inside);
    file->set_content(content);
  }

  static Mount* AddBind(const std::string& outside, LaunchPlan* plan) {
    auto* directory = plan->mutable_root()->add_directories();
    directory->set_inside("/bound");
    directory->set_mode(0755);
    Mount* mount = plan->add_mounts();
    mount->set_kind(Mount::KIND_HOST_DIRECTORY);
    mount->set_inside("/bound");
    mount->set_outside(outside);
    return mount;
  }

  // An object of the node's artifact cache, as it is now.
  static Mount* AddCached(const std::string& outside, const std::string& name, LaunchPlan* plan) {
    struct stat status = {};
    EXPECT_EQ(lstat(outside.c_str(), &status), 0) << outside;
    Mount* mount = plan->add_mounts();
    mount->set_kind(Mount::KIND_CACHED);
    mount->set_inside(absl::StrCat("/local/", name));
    mount->set_mount_point(absl::StrCat("local/", name));
    mount->set_outside(outside);
    mount->set_device(status.st_dev);
    mount->set_inode(status.st_ino);
    mount->set_read_only(true);
    mount->set_chosen(true);
    return mount;
  }

  // What is made in the tmpfs of AddTmpfs.
  static Mount* AddCopy(const std::string& name, uint32_t mode, LaunchPlan* plan) {
    Mount* copy = plan->add_mounts();
    copy->set_kind(Mount::KIND_COPIED);
    copy->set_inside(absl::StrCat("/local/t/", name));
    copy->set_mode(mode);
    copy->set_owned(true);
    return copy;
  }
  static Mount* AddCopyOf(const std::string& outside, const std::string& name, LaunchPlan* plan) {
    struct stat status = {};
    EXPECT_EQ(lstat(outside.c_str(), &status), 0) << outside;
    Mount* copy = AddCopy(name, 0640, plan);
    copy->set_outside(outside);
    copy->set_device(status.st_dev);
    copy->set_inode(status.st_ino);
    return copy;
  }

  static Mount* AddTmpfs(uint64_t size, LaunchPlan* plan) {
    Mount* mount = plan->add_mounts();
    mount->set_kind(Mount::KIND_TMPFS);
    mount->set_inside("/local/t");
    mount->set_mount_point("local/t");
    mount->set_size_bytes(size);
    mount->set_mode(0700);
    mount->set_owned(true);
    mount->set_chosen(true);
    return mount;
  }
};

TEST_F(TaskMounts, TheOomScoreIsThePlansAndTheLaunchersStaysItsOwn) {
  std::ofstream("/proc/self/oom_score_adj") << "300";
  absl::Cleanup restore = [] { std::ofstream("/proc/self/oom_score_adj") << "0"; };
  EXPECT_EQ(Sh(DefaultPlan(), "cat /proc/self/oom_score_adj /proc/1/oom_score_adj").out, "0\n0\n");
  LaunchPlan plan = DefaultPlan();
  plan.set_oom_score_adj(712);
  EXPECT_EQ(Sh(plan, "cat /proc/self/oom_score_adj").out, "712\n");
  EXPECT_EQ(ReadFile("/proc/self/oom_score_adj"), "300\n");
}

TEST_F(TaskMounts, TheHostnameIsTheTasksAlone) {
  char before[256] = "";
  char after[256] = "";
  ASSERT_EQ(gethostname(before, sizeof(before)), 0);
  LaunchPlan plan = DefaultPlan();
  plan.set_hostname("web-1.example.org");
  EXPECT_EQ(Sh(plan, "uname -n").out, "web-1.example.org\n");
  ASSERT_EQ(gethostname(after, sizeof(after)), 0);
  EXPECT_STREQ(before, after);
  EXPECT_EQ(Sh(DefaultPlan(), "uname -n").out, absl::StrCat(before, "\n"));
}

TEST_F(TaskMounts, AHostnameWithoutANamespaceIsNoPlanOfOurs) {
  LaunchPlan plan = DefaultPlan();
  plan.set_hostname("web");
  plan.set_namespaces(plan.namespaces() & ~uint64_t{0x04000000});  // CLONE_NEWUTS
  EXPECT_EQ(Sh(plan, "uname -n").failure.step(), internal::LAUNCH_STEP_PLAN);
}

TEST_F(TaskMounts, GeneratedFilesAreOverTheNodesAndNobodyCanChangeThem) {
  const std::string etc = MakeHostDirectory("etc");
  Write("etc/hosts", "node\n");
  Write("etc/resolv.conf", "node\n");
  LaunchPlan plan = PlanWithEtc(etc);
  AddFile("/etc/hosts", "127.0.0.1 localhost\n", &plan);
  AddFile("/etc/resolv.conf", std::string(9000, 'x'), &plan);
  const Outcome outcome =
      Sh(plan,
         "cat /etc/hosts; wc -c </etc/resolv.conf; (echo x >/etc/hosts) 2>&1 | grep -o Read-only;"
         "ls -A /dev/.empty; stat -c '%a %u' /etc/hosts;"
         "grep -c ' /etc/[a-z.]* ro,nosuid,nodev,noexec' /proc/self/mountinfo");
  EXPECT_EQ(outcome.out, "127.0.0.1 localhost\n9000\nRead-only\n444 0\n2\n")
      << outcome.failure.ShortDebugString();
  EXPECT_EQ(ReadFile(Host("etc/hosts")), "node\n");
}

TEST_F(TaskMounts, GeneratedFilesGoOverPlainFilesOnly) {
  const std::string etc = MakeHostDirectory("etc");
  Write("etc/plain", "node\n");
  ASSERT_EQ(symlink("plain", Host("etc/link").c_str()), 0);
  ASSERT_EQ(symlink("/proc/self/fd/0", Host("etc/magic").c_str()), 0);
  ASSERT_EQ(mkfifo(Host("etc/fifo").c_str(), 0666), 0);
  MakeHostDirectory("etc/directory");
  // The template of this /etc stays.
  EXPECT_EQ(Sh(PlanWithEtc(etc), "cat /etc/plain").out, "node\n");
  const std::pair<const char*, int> kPlaces[] = {{"/etc/link", EINVAL},
                                                 {"/etc/magic", EINVAL},
                                                 {"/etc/fifo", EINVAL},
                                                 {"/etc/directory", EINVAL},
                                                 {"/etc/absent", ENOENT}};
  for (const auto& [place, error] : kPlaces) {
    LaunchPlan plan = PlanWithEtc(etc);
    AddFile("/etc/plain", "ours\n", &plan);
    AddFile(place, "ours\n", &plan);
    AwaitSlots();
    const Residue before = Measure();
    const Outcome outcome = Sh(plan, "cat /etc/plain");
    AwaitSlots();
    EXPECT_EQ(outcome.failure.step(), internal::LAUNCH_STEP_ETC_FILES) << place;
    EXPECT_EQ(outcome.failure.index(), 1) << place;
    EXPECT_EQ(outcome.failure.error_number(), error) << place;
    EXPECT_EQ(Measure().descriptors, before.descriptors) << place;
  }
}

TEST_F(TaskMounts, MemoryHasItsSizeModeAndOwner) {
  LaunchPlan plan = DefaultPlan();
  AddTmpfs(65536, &plan)->set_noexec(true);
  const Outcome outcome =
      Sh(plan,
         "stat -c '%u %a' /local/t; head -c 65536 /dev/zero >/local/t/f && echo fits;"
         "head -c 1 /dev/zero 2>&1 >/local/t/g | grep -o 'No space'; rm /local/t/*;"
         "cp /bin/true /local/t/x; /local/t/x 2>&1 | grep -o 'Permission denied';"
         "grep -c ' /local/t rw,nosuid,nodev,noexec' /proc/self/mountinfo");
  EXPECT_THAT(outcome.out, HasSubstr("65534 700\nfits\nNo space\n"));
  EXPECT_THAT(outcome.out, HasSubstr("Permission denied\n1\n"));
}

TEST_F(TaskMounts, AnOwnDirectoryCanBeReadOnly) {
  LaunchPlan plan = DefaultPlan();
  plan.mutable_mounts(4)->set_read_only(true);
  ASSERT_EQ(plan.mounts(4).inside(), "/tmp");
  EXPECT_EQ(Sh(plan, "(: >/tmp/f) 2>&1 | grep -o Read-only; : >/local/f && echo local").out,
            "Read-only\nlocal\n");
}

TEST_F(TaskMounts, ABindIsAsReadOnlyAndNoexecAsPlanned) {
  const std::string data = MakeHostDirectory("data");
  ASSERT_EQ(chmod(data.c_str(), 0777), 0);
  LaunchPlan plan = DefaultPlan();
  Mount* mount = AddBind(data, &plan);
  EXPECT_EQ(Sh(plan, ": >/bound/f && grep -c ' /bound rw,nosuid,nodev' /proc/self/mountinfo").out,
            "1\n");
  mount->set_read_only(true);
  mount->set_noexec(true);
  EXPECT_EQ(Sh(plan,
               "(: >/bound/g) 2>&1 | grep -o Read-only; "
               "grep -c ' /bound ro,nosuid,nodev,noexec' /proc/self/mountinfo")
                .out,
            "Read-only\n1\n");
}

TEST_F(TaskMounts, WhatIsCachedIsSeenInItsPlaceAndNobodyCanChangeIt) {
  const std::string tree = MakeHostDirectory("tree");
  Write("tree/f", "of the tree\n");
  Write("file", "a file\n");
  // Whoever may write them: the mount is what says no.
  for (const std::string& path : {tree, Host("tree/f"), Host("file")}) {
    ASSERT_EQ(chmod(path.c_str(), 0777), 0);
  }
  LaunchPlan plan = DefaultPlan();
  AddCached(tree, "d", &plan);
  AddCached(Host("file"), "deep/f", &plan);
  const Outcome outcome =
      Sh(plan,
         "cat /local/d/f /local/deep/f; : >/local/mine && echo beside; "
         "for f in /local/d/f /local/d/new /local/deep/f; do (: >>$f) 2>&1 | grep -o Read-only; "
         "done; rm /local/deep/f 2>&1 | grep -o 'busy\\|Read-only'; "
         "grep -c ' /local/.* ro,nosuid,nodev' /proc/self/mountinfo");
  EXPECT_EQ(outcome.out, "of the tree\na file\nbeside\nRead-only\nRead-only\nRead-only\nbusy\n2\n");
  EXPECT_EQ(ReadFile(Host("file")), "a file\n");
}

TEST_F(TaskMounts, WhatIsNoLongerWhatWasCachedIsNotMounted) {
  MakeHostDirectory("secret");
  const std::string tree = MakeHostDirectory("tree");
  LaunchPlan plan = DefaultPlan();
  AddCached(tree, "d", &plan);
  const int last = plan.mounts_size() - 1;
  const auto expect_refused = [&](int error) {
    const Outcome outcome = Sh(plan, "ls /local/d");
    EXPECT_EQ(outcome.failure.step(), internal::LAUNCH_STEP_TASK_DIRECTORY);
    EXPECT_EQ(outcome.failure.index(), last);
    EXPECT_EQ(outcome.failure.error_number(), error);
  };
  ASSERT_EQ(rename(tree.c_str(), Host("was").c_str()), 0);
  expect_refused(ENOENT);
  MakeHostDirectory("tree");
  expect_refused(ESTALE);
  ASSERT_EQ(rmdir(tree.c_str()), 0);
  ASSERT_EQ(symlink(Host("secret").c_str(), tree.c_str()), 0);
  expect_refused(ELOOP);
  ASSERT_EQ(unlink(tree.c_str()), 0);
  ASSERT_EQ(mkfifo(tree.c_str(), 0644), 0);
  plan.mutable_mounts()->RemoveLast();
  AddCached(tree, "d", &plan);
  expect_refused(EINVAL);
}

// With the mount calls of Linux 5.2 and later, and without.
class Copies : public TaskMounts, public testing::WithParamInterface<bool> {
 protected:
  LaunchPlan DefaultPlan() const override {
    LaunchPlan plan = TaskMounts::DefaultPlan();
    plan.mutable_root()->set_classic_mounts(GetParam());
    return plan;
  }
};

INSTANTIATE_TEST_SUITE_P(Mounts, Copies, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& info) {
                           return info.param ? "Classic" : "Newer";
                         });

TEST_P(Copies, WhatIsCopiedIsMadeInTheTasksTmpfsAndIsItsOwn) {
  Write("f", std::string(3 << 20, 'x'));
  LaunchPlan plan = DefaultPlan();
  AddTmpfs(4 << 20, &plan);
  AddCopy("d", 0750, &plan);
  AddCopyOf(Host("f"), "d/f", &plan);
  AddCopy("l", 0, &plan)->set_source("d/f");
  AddCopyOf(Host("f"), "roots", &plan)->set_owned(false);
  // It does not fit: the second of 3 MiB.
  const Outcome full = Sh(plan, "true");
  EXPECT_EQ(full.failure.step(), internal::LAUNCH_STEP_MOUNTS);
  EXPECT_EQ(full.failure.index(), plan.mounts_size() - 1);
  EXPECT_EQ(full.failure.error_number(), ENOSPC);
  Write("f", "content\n");
  EXPECT_EQ(Sh(plan,
               "cd /local/t; cat l; stat -c '%u %a' d d/f roots; echo >d/f && echo mine; "
               "(: >>roots) 2>/dev/null || echo not mine; stat -f -c %T d/f")
                .out,
            "content\n65534 750\n65534 640\n0 640\nmine\nnot mine\ntmpfs\n");
  EXPECT_EQ(ReadFile(Host("f")), "content\n");
}

TEST_P(Copies, WhatIsNoLongerWhatWasCachedIsNotCopied) {
  Write("f", "content");
  Write("secret", "secret");
  LaunchPlan plan = DefaultPlan();
  AddTmpfs(1 << 20, &plan);
  AddCopyOf(Host("f"), "f", &plan);
  const auto expect_refused = [&](int error) {
    const Outcome outcome = Sh(plan, "cat /local/t/f");
    EXPECT_EQ(outcome.failure.step(), internal::LAUNCH_STEP_TASK_DIRECTORY);
    EXPECT_EQ(outcome.failure.index(), plan.mounts_size() - 1);
    EXPECT_EQ(outcome.failure.error_number(), error);
  };
  ASSERT_EQ(rename(Host("secret").c_str(), Host("f").c_str()), 0);
  expect_refused(ESTALE);
  ASSERT_EQ(unlink(Host("f").c_str()), 0);
  expect_refused(ENOENT);
  ASSERT_EQ(symlink("/etc/passwd", Host("f").c_str()), 0);
  expect_refused(ELOOP);
}

TEST_F(TaskMounts, WhatShowsADirectoryOfOursIsNotBoundByWhateverName) {
  MakeHostDirectory("srv");
  MakeHostDirectory("srv/state");
  MakeHostDirectory("srv/state/tasks");
  MakeHostDirectory("srv/other");
  MakeHostDirectory("srv/alias");
  MakeHostDirectory("outer");
  MakeHostDirectory("outer/inner");
  ASSERT_EQ(mount(Host("srv/state").c_str(), Host("srv/alias").c_str(), nullptr, MS_BIND, nullptr),
            0);
  ASSERT_EQ(mount(Host("srv/state/tasks").c_str(), Host("outer/inner").c_str(), nullptr, MS_BIND,
                  nullptr),
            0);
  absl::Cleanup unmount = [this] {
    umount(Host("srv/alias").c_str());
    umount(Host("outer/inner").c_str());
  };
  // The launcher's namespace is a copy of ours that was made before.
  MakeSite(0, 0);
  for (const char* source : {"srv", "srv/state", "srv/state/tasks", "srv/alias", "srv/alias/tasks",
                             "outer", "outer/inner"}) {
    LaunchPlan plan = DefaultPlan();
    AddBind(Host(source), &plan)->add_forbidden(Host("srv/state"));
    const Outcome outcome = Sh(plan, "ls /bound");
    EXPECT_EQ(outcome.failure.step(), internal::LAUNCH_STEP_TASK_DIRECTORY) << source;
    EXPECT_EQ(outcome.failure.error_number(), EACCES) << source;
    EXPECT_EQ(outcome.failure.index(), plan.mounts_size() - 1) << source;
  }
  LaunchPlan plan = DefaultPlan();
  Mount* mount = AddBind(Host("srv/other"), &plan);
  mount->add_forbidden(Host("srv/state"));
  mount->add_forbidden(Host("absent"));
  EXPECT_EQ(Sh(plan, "ls /bound; echo fine").out, "fine\n");
}

TEST_F(TaskMounts, ALinkOnTheWayToASourceIsNotFollowed) {
  MakeHostDirectory("secret");
  MakeHostDirectory("secret/x");
  ASSERT_EQ(symlink("secret", Host("link").c_str()), 0);
  for (const char* source : {"link", "link/x"}) {
    LaunchPlan plan = DefaultPlan();
    AddBind(Host(source), &plan);
    const Outcome outcome = Sh(plan, "ls /bound");
    EXPECT_EQ(outcome.failure.step(), internal::LAUNCH_STEP_TASK_DIRECTORY) << source;
    EXPECT_EQ(outcome.failure.error_number(), ELOOP) << source;
  }
}

// mount-source-swap: a tenant that owns the directory above changes a source for a link to a secret
// while tasks are started with it.
TEST_F(TaskMounts, ASourceThatIsSwappedForALinkNeverShowsWhatTheLinkLeadsTo) {
  constexpr int kStarts = 150;
  MakeHostDirectory("secret");
  Write("secret/canary", "x");
  const std::string source = MakeHostDirectory("source");
  const std::string other = Host("other");
  ASSERT_EQ(symlink("secret", other.c_str()), 0);
  std::atomic<bool> done{false};
  std::atomic<int> flips{0};
  std::thread swapper([&] {
    while (!done) {
      renameat2(AT_FDCWD, source.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
      ++flips;
    }
  });
  int ran = 0;
  for (int i = 0; i < kStarts; ++i) {
    LaunchPlan plan = DefaultPlan();
    AddBind(source, &plan);
    const Outcome outcome = Sh(plan, "ls -A /bound");
    if (outcome.failure.step() != 0) {
      EXPECT_EQ(outcome.failure.error_number(), ELOOP) << outcome.failure.ShortDebugString();
      continue;
    }
    ++ran;
    EXPECT_EQ(outcome.out, "");
  }
  done = true;
  swapper.join();
  RecordProperty("flips", flips.load());
  RecordProperty("ran", ran);
}

TEST_F(TaskMounts, ADeviceInABoundDirectoryIsNone) {
  const std::string data = MakeHostDirectory("data");
  ASSERT_EQ(mknod(Host("data/null").c_str(), S_IFCHR | 0666, 0x103), 0);
  ASSERT_EQ(chmod(Host("data/null").c_str(), 0666), 0);
  ASSERT_EQ(symlink("/proc/1/root/etc/shadow", Host("data/link").c_str()), 0);
  LaunchPlan plan = DefaultPlan();
  AddBind(data, &plan);
  EXPECT_EQ(Sh(plan,
               "(: </bound/null) 2>&1 | grep -o 'Permission denied';"
               "(: </bound/link) 2>&1 | grep -o 'Permission denied'")
                .out,
            "Permission denied\nPermission denied\n");
}

// devnull-symlink: masks are made of our own /dev/null, whatever a bound directory calls so.
TEST_F(TaskMounts, ABoundDirectorysDevNullIsNoMask) {
  const std::string data = MakeHostDirectory("data");
  MakeHostDirectory("data/dev");
  ASSERT_EQ(symlink("/etc/shadow", Host("data/dev/null").c_str()), 0);
  LaunchPlan plan = DefaultPlan();
  AddBind(data, &plan);
  EXPECT_EQ(Sh(plan, "stat -c '%t:%T' /proc/keys; wc -c </proc/keys").out, "1:3\n0\n");
}

TEST_F(TaskMounts, LimitsAreThePlans) {
  LaunchPlan plan = DefaultPlan();
  internal::Rlimit* files = plan.add_rlimits();
  files->set_resource(7);  // RLIMIT_NOFILE
  files->set_soft(64);
  files->set_hard(128);
  EXPECT_EQ(
      Sh(plan, "ulimit -Sn; ulimit -Hn; ulimit -Hc; ulimit -n 129 2>/dev/null || echo no").out,
      "64\n128\n0\nno\n");
}

}  // namespace
}  // namespace cloister
