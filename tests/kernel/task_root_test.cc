// What a task finds in its root, and what it cannot do with what it finds: its own directories, the
// node's volumes, where its command is looked for, what is made for it and what never is.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cloister/internal/launcher.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/cgroup/placement.h"
#include "tests/kernel/launch_fixture.h"

namespace cloister {
namespace {

using internal::LaunchPlan;
using internal::Mount;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uid_t kNobody = 65534;
constexpr char kProgram[] = "#!/bin/sh\necho $0\n";

struct Outcome {
  // Of wait(2); what AwaitExit gives for a payload that never ran: -errno.
  int status = -1;
  std::string out;
  // Where the launch itself failed.
  internal::LaunchFailure failure;

  int code() const { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
};

class TaskRoot : public LaunchFixture {
 protected:
  void SetUp() override {
    LaunchFixture::SetUp();
    if (!HasFatalFailure()) MakeSite(0, 0);
  }

  Outcome Run(LaunchPlan plan) {
    Outcome outcome;
    auto result = Launch(std::move(plan));
    if (auto* failure = absl::get_if<internal::LaunchFailure>(&result)) {
      outcome.failure = *failure;
      return outcome;
    }
    launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
    outcome.status = AwaitExit(task);
    outcome.out = Output(task);
    EXPECT_THAT(task.slot.Kill(absl::Seconds(5)), IsOk());
    task.pool->Discard(std::move(task.slot));
    return outcome;
  }

  Outcome Sh(LaunchPlan plan, const std::string& script) {
    plan.mutable_exec()->set_args(1, script);
    return Run(std::move(plan));
  }

  std::string Host(const std::string& path) const { return absl::StrCat(directory_, "/", path); }

  std::string MakeHostDirectory(const std::string& name, uid_t owner = kNobody) const {
    const std::string path = Host(name);
    EXPECT_EQ(mkdir(path.c_str(), 0755), 0) << path;
    EXPECT_EQ(chown(path.c_str(), owner, owner), 0);
    return path;
  }

  void Write(const std::string& path, const std::string& text, mode_t mode,
             uid_t owner = kNobody) const {
    std::ofstream(Host(path)) << text;
    EXPECT_EQ(chown(Host(path).c_str(), owner, owner), 0);
    EXPECT_EQ(chmod(Host(path).c_str(), mode), 0);
  }

  mode_t ModeOf(const std::string& path) const {
    struct stat status;
    EXPECT_EQ(stat(Host(path).c_str(), &status), 0) << path;
    return status.st_mode & 07777;
  }

  // The directory `outside` at `inside`, as a plan would have it.
  Mount* AddVolume(LaunchPlan* plan, const std::string& outside, const std::string& inside) const {
    struct stat status;
    EXPECT_EQ(stat(outside.c_str(), &status), 0);
    Mount* mount = plan->add_mounts();
    mount->set_kind(Mount::KIND_HOST_DIRECTORY);
    mount->set_inside(inside);
    mount->set_outside(outside);
    mount->set_device(status.st_dev);
    mount->set_inode(status.st_ino);
    if (absl::StartsWith(inside, "/local/")) {
      mount->set_mount_point(inside.substr(1));
    } else {
      auto* directory = plan->mutable_root()->add_directories();
      directory->set_inside(inside);
      directory->set_mode(0755);
    }
    return mount;
  }

  LaunchPlan PlanOf(const std::vector<std::string>& candidates) const {
    LaunchPlan plan = DefaultPlan();
    plan.mutable_exec()->clear_args();
    plan.mutable_exec()->clear_candidates();
    for (const std::string& path : candidates) plan.mutable_exec()->add_candidates(path);
    return plan;
  }
};

TEST_F(TaskRoot, ItsDirectoriesWorkForItsUserAndNobodyElse) {
  EXPECT_EQ(Sh(DefaultPlan(),
               "stat -c '%n %u %g %a' /local /tmp /alloc /alloc/* /secrets; ls -A /alloc/logs")
                .out,
            "/local 65534 65534 700\n/tmp 65534 65534 1777\n/alloc 0 0 755\n"
            "/alloc/data 65534 65534 700\n/alloc/logs 0 0 755\n/alloc/tmp 65534 65534 700\n"
            "/secrets 65534 65534 700\n");
  EXPECT_EQ(
      Sh(DefaultPlan(),
         "for d in /local /tmp /alloc/data /alloc/tmp /secrets; do (: >$d/f) || echo $d; done;"
         "for d in / /alloc /alloc/logs; do (: >$d/f) 2>/dev/null && echo wrote $d; done;"
         "mv /alloc/logs /alloc/l 2>/dev/null && echo moved; echo fine")
          .out,
      "fine\n");
  EXPECT_EQ(access(Host("alloc/data/f").c_str(), F_OK), 0);
}

TEST_F(TaskRoot, SecretsAreMemoryThatNothingRunsFrom) {
  const Outcome outcome =
      Sh(DefaultPlan(),
         "grep ' /secrets ' /proc/self/mountinfo; cp /usr/bin/true /secrets/t && chmod 755 "
         "/secrets/t; /secrets/t 2>/dev/null && echo ran; "
         "head -c 2097152 /dev/zero >/secrets/big 2>/dev/null || echo full");
  EXPECT_THAT(outcome.out, HasSubstr("nosuid,nodev,noexec"));
  EXPECT_THAT(outcome.out, HasSubstr("size=1024k"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("ran")));
  EXPECT_THAT(outcome.out, HasSubstr("full"));
  // Gone with the task, and never on the disk.
  EXPECT_EQ(Sh(DefaultPlan(), "ls -A /secrets").out, "");
  EXPECT_NE(access(Host("secrets").c_str(), F_OK), 0);
}

TEST_F(TaskRoot, SecretsAreNotSwappedWhereTheKernelKnowsHow) {
  LaunchPlan plan = DefaultPlan();
  for (Mount& mount : *plan.mutable_mounts()) {
    if (mount.inside() == "/secrets") mount.set_noswap(true);
  }
  const Outcome outcome = Sh(plan, "grep ' /secrets ' /proc/self/mountinfo");
  // Linux 6.4; before, a plan does not ask for it.
  if (outcome.failure.step() == internal::LAUNCH_STEP_MOUNTS) GTEST_SKIP() << "no noswap";
  EXPECT_THAT(outcome.out, HasSubstr("noswap"));
}

TEST_F(TaskRoot, AVolumeIsWrittenThroughUnlessItIsReadOnly) {
  const std::string volume = MakeHostDirectory("vol");
  Write("vol/a", "hello\n", 0644);
  LaunchPlan plan = DefaultPlan();
  AddVolume(&plan, volume, "/srv");
  AddVolume(&plan, volume, "/opt")->set_read_only(true);
  AddVolume(&plan, volume, "/local/in/v");
  EXPECT_EQ(Sh(plan,
               "cat /srv/a /opt/a /local/in/v/a; echo new >/srv/b; cat /local/in/v/b;"
               "(echo x >/opt/c) 2>&1 | grep -o Read-only; touch /opt/a 2>/dev/null || echo no;"
               "stat -c '%u %a' /local/in")
                .out,
            "hello\nhello\nhello\nnew\nRead-only\nno\n65534 755\n");
  EXPECT_EQ(access(Host("vol/b").c_str(), F_OK), 0);
  EXPECT_THAT(Sh(plan,
                 "grep -c -e ' /srv .*nosuid,nodev' -e ' /opt ro,nosuid,nodev' "
                 "/proc/self/mountinfo")
                  .out,
              "2\n");
}

TEST_F(TaskRoot, AnotherDirectoryInAVolumesPlaceIsNotMounted) {
  const std::string volume = MakeHostDirectory("vol");
  LaunchPlan plan = DefaultPlan();
  AddVolume(&plan, volume, "/srv");
  ASSERT_EQ(rename(volume.c_str(), Host("kept").c_str()), 0);
  MakeHostDirectory("vol");
  Outcome outcome = Sh(plan, "echo ran");
  EXPECT_EQ(outcome.failure.step(), internal::LAUNCH_STEP_TASK_DIRECTORY);
  EXPECT_EQ(outcome.failure.error_number(), ESTALE);
  EXPECT_THAT(outcome.failure.detail(), HasSubstr("when the executor started"));
  // Nor a link, be it to the very same directory.
  ASSERT_EQ(rmdir(volume.c_str()), 0);
  ASSERT_EQ(symlink(Host("kept").c_str(), volume.c_str()), 0);
  outcome = Sh(plan, "echo ran");
  EXPECT_EQ(outcome.failure.step(), internal::LAUNCH_STEP_TASK_DIRECTORY);
  EXPECT_EQ(outcome.failure.error_number(), ELOOP);
}

TEST_F(TaskRoot, LinksInAVolumeLeadNowhereButIntoTheRoot) {
  const std::string volume = MakeHostDirectory("vol");
  Write("secret", "host\n", 0644, 0);
  ASSERT_EQ(symlink(Host("secret").c_str(), Host("vol/abs").c_str()), 0);
  ASSERT_EQ(symlink("../secret", Host("vol/up").c_str()), 0);
  ASSERT_EQ(symlink("abs", Host("vol/chain").c_str()), 0);
  ASSERT_EQ(symlink("../../../../../../var/tmp", Host("vol/far").c_str()), 0);
  LaunchPlan plan = DefaultPlan();
  AddVolume(&plan, volume, "/srv");
  EXPECT_EQ(Sh(plan, "cat /srv/abs /srv/up /srv/chain 2>/dev/null; ls /srv/far/ 2>/dev/null").out,
            "");
}

TEST_F(TaskRoot, ALinkInTheWayOfAMountPointIsNotFollowed) {
  const std::string volume = MakeHostDirectory("vol");
  MakeHostDirectory("local");
  ASSERT_EQ(symlink("/etc", Host("local/x").c_str()), 0);
  for (const char* place : {"/local/x", "/local/x/y"}) {
    LaunchPlan plan = DefaultPlan();
    AddVolume(&plan, volume, place);
    const Outcome outcome = Sh(plan, "echo ran");
    EXPECT_EQ(outcome.failure.step(), internal::LAUNCH_STEP_TASK_DIRECTORY) << place;
    EXPECT_EQ(outcome.failure.error_number(), ELOOP) << place;
  }
  // The same within the root, where only a planner's mistake could lead.
  LaunchPlan plan = DefaultPlan();
  Mount* mount = AddVolume(&plan, volume, "/local/z");
  mount->set_inside("/bin/x");
  const Outcome outcome = Sh(plan, "echo ran");
  EXPECT_EQ(outcome.failure.step(), internal::LAUNCH_STEP_MOUNTS);
  EXPECT_EQ(outcome.failure.error_number(), ELOOP);
}

// A tmpfs in a mount namespace of the test's own that shares what is mounted in it.
class SharedVolume {
 public:
  explicit SharedVolume(const std::string& path) : path_(path) {
    EXPECT_EQ(unshare(CLONE_NEWNS), 0);
    EXPECT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    EXPECT_EQ(mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m,mode=777"), 0);
    EXPECT_EQ(mount(nullptr, path.c_str(), nullptr, MS_SHARED, nullptr), 0);
    EXPECT_EQ(mkdir((path + "/sub").c_str(), 0777), 0);
    EXPECT_EQ(mkdir((path + "/old").c_str(), 0777), 0);
    EXPECT_EQ(mount("tmpfs", (path + "/old").c_str(), "tmpfs", 0, "size=1m,mode=777"), 0);
  }
  ~SharedVolume() { EXPECT_EQ(umount2(path_.c_str(), MNT_DETACH), 0); }
  void MountLater() const {
    EXPECT_EQ(mount("tmpfs", (path_ + "/sub").c_str(), "tmpfs", 0, "size=1m"), 0);
    std::ofstream(path_ + "/sub/later") << "x";
  }

 private:
  const std::string path_;
};

TEST_F(TaskRoot, WhatIsMountedInAVolumeComesAlongAndIsReadOnlyWithIt) {
  const std::string volume = MakeHostDirectory("vol");
  const SharedVolume shared(volume);
  MakeSite(0, 0);
  LaunchPlan plan = DefaultPlan();
  AddVolume(&plan, volume, "/srv")->set_read_only(true);
  EXPECT_EQ(Sh(plan,
               "(: >/srv/old/f) 2>/dev/null && echo wrote; grep -c ' /srv' "
               "/proc/self/mountinfo; grep ' /srv' /proc/self/mountinfo | grep -c ' ro,'")
                .out,
            "2\n2\n");
}

TEST_F(TaskRoot, LaterMountsPropagateAsAsked) {
  const std::string volume = MakeHostDirectory("vol");
  const SharedVolume shared(volume);
  MakeSite(0, 0);
  LaunchPlan plan = DefaultPlan();
  AddVolume(&plan, volume, "/srv/private");
  AddVolume(&plan, volume, "/srv/slave")->set_propagation(Mount::PROPAGATION_SLAVE);
  AddVolume(&plan, volume, "/srv/shared")->set_propagation(Mount::PROPAGATION_SHARED);
  auto* directory = plan.mutable_root()->add_directories();
  directory->set_inside("/srv");
  directory->set_mode(0755);
  plan.mutable_root()->mutable_directories()->SwapElements(0, plan.root().directories_size() - 1);
  plan.mutable_exec()->set_args(
      1,
      "echo ready; read go </local/go; ls /srv/private/sub /srv/slave/sub /srv/shared/sub; "
      "grep ' /srv/' /proc/self/mountinfo | grep -o -e 'shared:' -e 'master:' | sort | uniq -c");
  MakeHostDirectory("local");
  ASSERT_EQ(mkfifo(Host("local/go").c_str(), 0666), 0);
  ASSERT_EQ(chmod(Host("local/go").c_str(), 0666), 0);
  auto result = Launch(plan);
  ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(result))
      << absl::get<internal::LaunchFailure>(result).DebugString();
  launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
  shared.MountLater();
  // Opening waits for the reader.
  std::ofstream(Host("local/go")) << "go\n";
  AwaitExit(task);
  const std::string out = Output(task);
  EXPECT_THAT(out, HasSubstr("/srv/private/sub:\n\n"));
  EXPECT_THAT(out, HasSubstr("/srv/shared/sub:\nlater\n"));
  EXPECT_THAT(out, HasSubstr("/srv/slave/sub:\nlater\n"));
  task.pool->Discard(std::move(task.slot));
}

// The cases of the exec driver's own test of its lookup, on this root.
TEST_F(TaskRoot, CommandsAreFoundInsideTheRootAndNowhereElse) {
  const std::string volume = MakeHostDirectory("vol");
  MakeHostDirectory("vol/sub");
  MakeHostDirectory("local");
  MakeHostDirectory("local/foo");
  for (const char* path : {"local/tool", "local/foo/tool2", "vol/tool3", "vol/sub/tool4"}) {
    Write(path, kProgram, 0755);
  }
  // On the node, and not in the root.
  ASSERT_EQ(access("/var/tmp", F_OK), 0);
  Write("hostonly", kProgram, 0755, 0);
  LaunchPlan base = DefaultPlan();
  AddVolume(&base, volume, "/srv");
  const auto found = [&](const std::vector<std::string>& candidates) {
    LaunchPlan plan = PlanOf(candidates);
    *plan.mutable_root() = base.root();
    *plan.mutable_mounts() = base.mounts();
    const Outcome outcome = Run(std::move(plan));
    return outcome.status < 0 ? std::to_string(-outcome.status)
                              : std::string(absl::StripSuffix(outcome.out, "\n"));
  };
  EXPECT_EQ(found({"/local/tool", "/tool", "/srv/tool"}), "/local/tool");    // a name
  EXPECT_EQ(found({"/local/tool", "/local/local/tool"}), "/local/tool");     // absolute
  EXPECT_EQ(found({"/local/local/tool", "/local/tool"}), "/local/tool");     // local/tool
  EXPECT_EQ(found({"/local/foo/tool2"}), "/local/foo/tool2");                // deeper
  EXPECT_EQ(found({"/foo/tool2", "/local/foo/tool2"}), "/local/foo/tool2");  // beneath /local
  EXPECT_EQ(found({"/srv/tool3", "/local/srv/tool3"}), "/srv/tool3");        // in a mount
  EXPECT_EQ(found({"/srv/sub/tool4"}), "/srv/sub/tool4");                    // deeper there
  EXPECT_EQ(found({"/local/tool3", "/tool3", "/srv/tool3"}), "/srv/tool3");  // a name there
  EXPECT_EQ(found({"/local/id", "/id", "/srv/id", "/usr/local/bin/id", "/usr/bin/id"}).empty(),
            false);  // the system's
  EXPECT_EQ(found({Host("hostonly"), "/local" + Host("hostonly")}), std::to_string(ENOENT));
}

TEST_F(TaskRoot, ACommandThatIsALinkIsFollowedInsideTheRootAlone) {
  MakeHostDirectory("local");
  Write("hostonly", kProgram, 0755, 0);
  ASSERT_EQ(symlink(Host("hostonly").c_str(), Host("local/abs").c_str()), 0);
  ASSERT_EQ(symlink("../hostonly", Host("local/up").c_str()), 0);
  ASSERT_EQ(symlink("abs", Host("local/chain").c_str()), 0);
  ASSERT_EQ(symlink("/proc/1/root/bin/sh", Host("local/magic").c_str()), 0);
  ASSERT_EQ(symlink("/proc/self/fd/4", Host("local/init").c_str()), 0);
  ASSERT_EQ(symlink("loop", Host("local/loop").c_str()), 0);
  for (const char* name : {"abs", "up", "chain", "magic", "init", "loop", "../../hostonly"}) {
    const Outcome outcome = Run(PlanOf({absl::StrCat("/local/", name)}));
    EXPECT_LT(outcome.status, 0) << name;
    EXPECT_EQ(outcome.out, "") << name;
  }
}

TEST_F(TaskRoot, ItsOwnFileIsMadeExecutable) {
  MakeHostDirectory("local");
  MakeHostDirectory("local/app");
  Write("local/plain", kProgram, 0644);
  Write("local/private", kProgram, 0600);
  Write("local/app/deep", kProgram, 0610);
  ASSERT_EQ(symlink("app/deep", Host("local/link").c_str()), 0);
  EXPECT_EQ(Run(PlanOf({"/local/plain"})).out, "/local/plain\n");
  EXPECT_EQ(ModeOf("local/plain"), 0755u);
  EXPECT_EQ(Run(PlanOf({"/local/private", "/usr/bin/private"})).out, "/local/private\n");
  EXPECT_EQ(ModeOf("local/private"), 0755u);
  // A link of its own within its own directory.
  EXPECT_EQ(Run(PlanOf({"/local/link"})).out, "/local/link\n");
  EXPECT_EQ(ModeOf("local/app/deep"), 0755u);
}

TEST_F(TaskRoot, NothingElseIsMadeExecutable) {
  const std::string volume = MakeHostDirectory("vol");
  MakeHostDirectory("local");
  Write("vol/tool", kProgram, 0644);
  // Another's in its own directory; and ways out of it.
  Write("local/roots", kProgram, 0644, 0);
  ASSERT_EQ(symlink("/srv/tool", Host("local/abs").c_str()), 0);
  ASSERT_EQ(symlink("../srv/tool", Host("local/up").c_str()), 0);
  ASSERT_EQ(mkfifo(Host("local/fifo").c_str(), 0644), 0);
  ASSERT_EQ(chown(Host("local/fifo").c_str(), kNobody, kNobody), 0);
  ASSERT_EQ(mkdir(Host("local/dir").c_str(), 0644), 0);
  ASSERT_EQ(chown(Host("local/dir").c_str(), kNobody, kNobody), 0);
  const mode_t passwd = [] {
    struct stat status;
    return stat("/etc/passwd", &status) == 0 ? status.st_mode : 0;
  }();
  for (const char* path :
       {"/srv/tool", "/local/in/tool", "/local/abs", "/local/up", "/local/roots", "/local/fifo",
        "/local/dir", "/etc/passwd", "/local/../srv/tool", "/tmp/../etc/passwd"}) {
    LaunchPlan plan = PlanOf({path});
    AddVolume(&plan, volume, "/srv");
    AddVolume(&plan, volume, "/local/in");
    EXPECT_EQ(Run(plan).status, -EACCES) << path;
  }
  EXPECT_EQ(ModeOf("vol/tool"), 0644u);
  EXPECT_EQ(ModeOf("local/roots"), 0644u);
  EXPECT_EQ(ModeOf("local/fifo"), 0644u);
  EXPECT_EQ(ModeOf("local/dir"), 0644u);
  struct stat status;
  ASSERT_EQ(stat("/etc/passwd", &status), 0);
  EXPECT_EQ(status.st_mode, passwd);
}

TEST_F(TaskRoot, AWorkDirectoryIsMadeWhereTheTaskCouldMakeIt) {
  for (const char* path : {"/local/a/b", "/tmp/x", "/secrets/s", "/alloc/data/d"}) {
    LaunchPlan plan = DefaultPlan();
    plan.mutable_exec()->set_work_dir(path);
    EXPECT_EQ(Sh(plan, "pwd; stat -c '%u %a' .").out, absl::StrCat(path, "\n65534 755\n")) << path;
  }
  LaunchPlan plan = DefaultPlan();
  plan.mutable_exec()->set_work_dir("/etc");
  EXPECT_EQ(Sh(plan, "pwd").out, "/etc\n");
}

TEST_F(TaskRoot, AWorkDirectoryIsMadeNowhereElse) {
  const std::string volume = MakeHostDirectory("vol");
  MakeHostDirectory("local");
  MakeHostDirectory("out");
  ASSERT_EQ(symlink(Host("out").c_str(), Host("local/abs").c_str()), 0);
  ASSERT_EQ(symlink("/srv", Host("local/link").c_str()), 0);
  for (const std::string path :
       {"/nope", "/etc/nope", "/alloc/nope", "/alloc/logs/nope", "/srv/nope", "/local/v/nope",
        "/local/link/nope", "/local/abs", "/local/abs/nope", "/proc/self/fd/4", "/proc/self/cwd/x",
        "/proc/1/root/x"}) {
    LaunchPlan plan = DefaultPlan();
    AddVolume(&plan, volume, "/srv");
    AddVolume(&plan, volume, "/local/v");
    plan.mutable_exec()->set_work_dir(path);
    EXPECT_EQ(Sh(plan, "pwd").failure.step(), internal::LAUNCH_STEP_CWD) << path;
  }
  LaunchPlan plan = DefaultPlan();
  plan.mutable_exec()->set_work_dir("/local/w/" + std::string(300, 'x'));
  EXPECT_EQ(Sh(plan, "pwd").failure.error_number(), ENAMETOOLONG);
  EXPECT_EQ(rmdir(Host("vol").c_str()), 0);
  EXPECT_EQ(rmdir(Host("out").c_str()), 0);
}

LaunchPlan WithNodesPids(LaunchPlan plan) {
  plan.set_namespaces(plan.namespaces() & ~static_cast<uint64_t>(CLONE_NEWPID));
  return plan;
}

TEST_F(TaskRoot, WithTheNodesPidsItEndsAsTrulyAsWithItsOwn) {
  const LaunchPlan plan = WithNodesPids(DefaultPlan());
  char ours[64] = {};
  ASSERT_GT(readlink("/proc/self/ns/pid", ours, sizeof(ours) - 1), 0);
  const Outcome outcome =
      Sh(plan, absl::StrCat("readlink /proc/self/ns/pid; test -d /proc/", getpid(), " && exit 7"));
  EXPECT_EQ(outcome.out, absl::StrCat(ours, "\n"));
  EXPECT_EQ(outcome.code(), 7);
  for (int signal : {SIGTERM, SIGKILL, SIGSEGV}) {
    const int status = Sh(plan, absl::StrCat("kill -", signal, " $$")).status;
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), signal);
  }
  EXPECT_EQ(Run(WithNodesPids(PlanOf({"/nope"}))).status, -ENOENT);
}

TEST_F(TaskRoot, WithTheNodesPidsItsOrphansGoToItsInitAndEndWithItsCgroup) {
  // An orphan's parent is init, whose name is ours; and none outlives the cgroup's kill.
  const Outcome outcome = Sh(WithNodesPids(DefaultPlan()),
                             "p=$PPID; (sh -c 'sleep 1000 & echo $!' >/tmp/o); read o </tmp/o; "
                             "read a b c d rest </proc/$o/stat; test $d = $p && echo adopted; "
                             "cat /proc/$p/comm; echo $o");
  const std::vector<std::string> lines = [&] {
    std::istringstream text(outcome.out);
    std::vector<std::string> all;
    for (std::string line; std::getline(text, line);) all.push_back(line);
    return all;
  }();
  ASSERT_EQ(lines.size(), 3u) << outcome.out;
  EXPECT_EQ(lines[0], "adopted");
  EXPECT_EQ(lines[1], "cloister-init");
  // Killed by Run's kill of the slot: gone, or not yet buried by the node's PID 1.
  std::ifstream stat("/proc/" + lines[2] + "/stat");
  std::string text;
  std::getline(stat, text);
  EXPECT_THAT(text, AnyOf("", HasSubstr(") Z "), HasSubstr(") X ")));
}

TEST_F(TaskRoot, TheNodesIpcIsTheNodes) {
  LaunchPlan plan = DefaultPlan();
  char ours[64] = {};
  ASSERT_GT(readlink("/proc/self/ns/ipc", ours, sizeof(ours) - 1), 0);
  EXPECT_NE(Sh(plan, "readlink /proc/self/ns/ipc").out, absl::StrCat(ours, "\n"));
  plan.set_namespaces(plan.namespaces() & ~static_cast<uint64_t>(CLONE_NEWIPC));
  EXPECT_EQ(Sh(plan, "readlink /proc/self/ns/ipc").out, absl::StrCat(ours, "\n"));
}

TEST_F(TaskRoot, ARootWithoutPivotRootShowsNothingElse) {
  const char script[] = "ls /; cut -d' ' -f5 /proc/self/mountinfo | sort; ls /proc/1/root /.. ";
  LaunchPlan plan = DefaultPlan();
  const Outcome pivoted = Sh(plan, script);
  plan.mutable_root()->set_no_pivot_root(true);
  const Outcome moved = Sh(plan, script);
  EXPECT_EQ(moved.failure.step(), 0) << moved.failure.DebugString();
  EXPECT_THAT(moved.out, HasSubstr("/secrets\n"));
  EXPECT_EQ(moved.out, pivoted.out);
  EXPECT_THAT(Sh(plan, "mkdir /x 2>&1").out, HasSubstr("Read-only"));
}

TEST_F(TaskRoot, TheNumberOfTemplatesIsBounded) {
  LaunchPlan plan = DefaultPlan();
  const auto template_of = [&](int i) {
    internal::RootTemplate root = plan.root();
    auto* directory = root.add_directories();
    directory->set_inside(absl::StrCat("/v", i));
    directory->set_mode(0755);
    return root;
  };
  const auto held = site_->templates().Get(template_of(-1));
  ASSERT_THAT(held, IsOk());
  const int before = Measure().descriptors;
  for (int i = 0; i < 80; ++i) ASSERT_THAT(site_->templates().Get(template_of(i)), IsOk());
  EXPECT_LE(Measure().descriptors, before + static_cast<int>(launch::MountTemplates::kKept));
  // One that a launch holds stays, and one that was dropped is built anew.
  const auto again = site_->templates().Get(template_of(-1));
  EXPECT_EQ(*again, *held);
  *plan.mutable_root() = template_of(0);
  EXPECT_EQ(Sh(plan, "ls -d /v0").out, "/v0\n");
}

TEST_F(TaskRoot, MemoryMaxIsTheKernelsLimitAndMemoryWhatItSpares) {
  cgroup::TaskLimits limits;
  limits.memory_bytes = 128 << 20;
  limits.memory_reserved_bytes = 64 << 20;
  LaunchPlan plan = DefaultPlan();
  const auto cgroups = cgroup::PlaceTask(facts_, parent_, limits);
  ASSERT_THAT(cgroups, IsOk());
  *plan.mutable_cgroup() = *cgroups;
  plan.mutable_exec()->set_args(1, "sleep 1000");
  auto result = Launch(plan);
  ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(result));
  launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
  int seen = 0;
  for (const cgroup::SlotDirectory& slot : task.slot.directories()) {
    for (const auto& [file, value] : std::vector<std::pair<std::string, std::string>>{
             {"memory.max", "134217728"},
             {"memory.low", "67108864"},
             {"memory.limit_in_bytes", "134217728"},
             {"memory.soft_limit_in_bytes", "67108864"}}) {
      std::ifstream stream(absl::StrCat(slot.mount_point, "/", slot.path, "/", file));
      std::string text;
      if (!std::getline(stream, text)) continue;
      EXPECT_EQ(text, value) << file;
      ++seen;
    }
  }
  EXPECT_EQ(seen, 2);
  EXPECT_THAT(task.slot.Kill(absl::Seconds(5)), IsOk());
  AwaitExit(task);
  task.pool->Discard(std::move(task.slot));
}

}  // namespace
}  // namespace cloister
