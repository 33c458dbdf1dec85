#include "libs/plan/describe_failure.h"

#include <errno.h>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using internal::LaunchFailure;
using internal::LaunchStep;

internal::LaunchPlan Plan(
    absl::string_view config = "config { command: '/nope' hostname: 'web' }") {
  const auto plan =
      MakeLaunchPlan(ExampleSpec(config), ExampleNobody(), ExampleFacts(node::CgroupLayout::kV1),
                     node::DefaultNodePolicy());
  EXPECT_THAT(plan, IsOk());
  return plan.value_or(internal::LaunchPlan());
}

LaunchFailure Failure(LaunchStep step, int index, int error_number,
                      const std::string& detail = "") {
  LaunchFailure failure;
  failure.set_step(step);
  failure.set_index(index);
  failure.set_error_number(error_number);
  failure.set_detail(detail);
  return failure;
}

std::string Describe(LaunchStep step, int index, int error_number, const std::string& detail = "") {
  return DescribeLaunchFailure(Plan(), Failure(step, index, error_number, detail));
}

struct Case {
  LaunchStep step;
  int index;
  int error_number;
  std::string detail;
  std::string words;
};

// One for each step that there is: a step without words of its own fails EveryStepHasACase.
const std::vector<Case>& Cases() {
  static const auto* const kCases = new std::vector<Case>{
      {internal::LAUNCH_STEP_UNSPECIFIED, 0, EIO, "", "UNSPECIFIED: input/output error"},
      {internal::LAUNCH_STEP_PLAN, 0, 0, "plan has no command", "PLAN: plan has no command"},
      {internal::LAUNCH_STEP_TASK_DIRECTORY, 4, ENOSPC, "mkdir 'tmp': no space left on device",
       "TASK_DIRECTORY mounts[4] 'tmp' on '/tmp': mkdir 'tmp': no space left on device"},
      {internal::LAUNCH_STEP_FILES, 0, ENOSPC, "write: no space left on device",
       "FILES files[0] '/etc/hosts': write: no space left on device"},
      {internal::LAUNCH_STEP_DEVICES, 0, EPERM, "bpf: operation not permitted",
       "DEVICES: bpf: operation not permitted"},
      {internal::LAUNCH_STEP_USER_NAMESPACE, 1, EPERM, "",
       "USER_NAMESPACE gid map: operation not permitted"},
      {internal::LAUNCH_STEP_ID_MAPS, 1, EPERM, "id map '0 0 0': operation not permitted",
       "ID_MAPS 0 ids from 0, for directories of the node: id map '0 0 0': operation not "
       "permitted"},
      {internal::LAUNCH_STEP_OOM_SCORE, 0, EACCES, "", "OOM_SCORE 0: permission denied"},
      {internal::LAUNCH_STEP_HOSTNAME, 0, EPERM, "", "HOSTNAME 'web': operation not permitted"},
      {internal::LAUNCH_STEP_ETC_FILES, 1, ELOOP, "",
       "files[1] '/etc/hostname': too many levels of symbolic links"},
      {internal::LAUNCH_STEP_TEMPLATE, 0, ENOENT,
       "root.binds[1] '/usr' on '/usr': no such file or directory",
       "TEMPLATE: root.binds[1] '/usr' on '/usr': no such file or directory"},
      {internal::LAUNCH_STEP_OUTPUT, 0, EMFILE, "pipe: too many open files",
       "OUTPUT: pipe: too many open files"},
      {internal::LAUNCH_STEP_CGROUP_TAKE, 0, ENOSPC, "mkdir '/c/x': no space left on device",
       "CGROUP_TAKE: mkdir '/c/x': no space left on device"},
      {internal::LAUNCH_STEP_CGROUP_LIMITS, 1, EBUSY, "",
       "CGROUP_LIMITS '314572800' to 'memory.limit_in_bytes' below "
       "'/sys/fs/cgroup/memory/cloister.slice/share': device or resource busy"},
      {internal::LAUNCH_STEP_RECORD, 0, EROFS, "rename 'launch': read-only file system",
       "RECORD: rename 'launch': read-only file system"},
      {internal::LAUNCH_STEP_CLONE, 0, EAGAIN, "",
       "CLONE the task's first process: resource temporarily unavailable"},
      {internal::LAUNCH_STEP_CGROUP_JOIN, 1, ENODEV, "",
       "CGROUP_JOIN hierarchies[1] '/sys/fs/cgroup/memory/cloister.slice/share': no such device"},
      {internal::LAUNCH_STEP_CGROUP_NAMESPACE, 0, ENOSPC, "",
       "CGROUP_NAMESPACE: no space left on device"},
      {internal::LAUNCH_STEP_SESSION, 0, EPERM, "", "SESSION: operation not permitted"},
      {internal::LAUNCH_STEP_KEYRING, 0, EDQUOT, "", "KEYRING: disk quota exceeded"},
      {internal::LAUNCH_STEP_MOUNTS, 5, ENOENT, "",
       "mounts[5] 'local' on '/local': no such file or directory"},
      {internal::LAUNCH_STEP_ROOT, 0, EBUSY, "", "ROOT: device or resource busy"},
      {internal::LAUNCH_STEP_MASKS, 3, EACCES, "",
       "masks[3] read-only '/proc/sys': permission denied"},
      {internal::LAUNCH_STEP_LIMITS, 7, EPERM, "",
       "rlimits[7] NOFILE 1024 to 1048576: operation not permitted"},
      {internal::LAUNCH_STEP_IDENTITY, 0, EPERM, "",
       "IDENTITY uid 65534, gid 65534: operation not permitted"},
      {internal::LAUNCH_STEP_CAPABILITIES, 0, EPERM, "",
       "CAPABILITIES none: operation not permitted"},
      {internal::LAUNCH_STEP_DEATH_SIGNAL, 0, EINVAL, "", "DEATH_SIGNAL: invalid argument"},
      {internal::LAUNCH_STEP_NO_NEW_PRIVS, 0, EINVAL, "", "NO_NEW_PRIVS: invalid argument"},
      {internal::LAUNCH_STEP_CWD, 0, ENOENT, "", "CWD '/': no such file or directory"},
      {internal::LAUNCH_STEP_UMASK, 0, EINVAL, "", "UMASK: invalid argument"},
      {internal::LAUNCH_STEP_FDS, 0, EBADF, "", "FDS: bad file descriptor"},
      {internal::LAUNCH_STEP_LANDLOCK, 1, EACCES, "",
       "LANDLOCK rules[1] '/dev': permission denied"},
      {internal::LAUNCH_STEP_SECCOMP, 0, EINVAL, "", "SECCOMP profile 'default': invalid argument"},
      {internal::LAUNCH_STEP_LAST_CAPABILITIES, 0, EPERM, "",
       "LAST_CAPABILITIES: operation not permitted"},
      {internal::LAUNCH_STEP_INIT, 0, ENOMEM, "", "INIT the task's init: cannot allocate memory"},
      {internal::LAUNCH_STEP_EXEC, 0, ENOENT, "", "EXEC '/nope': no such file or directory"},
      {internal::LAUNCH_STEP_BOUNDING_SET, 0, EPERM, "",
       "BOUNDING_SET audit_write, chown, dac_override, fowner, fsetid, kill, mknod, "
       "net_bind_service, setfcap, setgid, setpcap, setuid, sys_chroot: operation not permitted"},
      {internal::LAUNCH_STEP_RECORD_PID, 0, ESRCH, "/proc/7/stat: no such process",
       "RECORD_PID: /proc/7/stat: no such process"},
      {internal::LAUNCH_STEP_AWAIT_EXEC, 0, 0, "",
       "AWAIT_EXEC the task's first process ended before it could say why"},
  };
  return *kCases;
}

TEST(DescribeLaunchFailure, SaysStepObjectAndReason) {
  for (const Case& c : Cases()) {
    EXPECT_EQ(Describe(c.step, c.index, c.error_number, c.detail), c.words);
  }
}

TEST(DescribeLaunchFailure, EveryStepHasACase) {
  const auto* steps = google::protobuf::GetEnumDescriptor<LaunchStep>();
  for (int i = 0; i < steps->value_count(); ++i) {
    int count = 0;
    for (const Case& c : Cases()) count += c.step == steps->value(i)->number() ? 1 : 0;
    EXPECT_EQ(count, 1) << steps->value(i)->name();
  }
}

TEST(DescribeLaunchFailure, AnIndexThatThePlanDoesNotHaveIsSaid) {
  for (int index : {-1, 1000}) {
    for (const Case& c : Cases()) {
      EXPECT_FALSE(Describe(c.step, index, c.error_number, c.detail).empty());
    }
  }
  EXPECT_EQ(Describe(internal::LAUNCH_STEP_MOUNTS, 99, EIO), "mounts[99]: input/output error");
  EXPECT_EQ(Describe(internal::LAUNCH_STEP_CGROUP_LIMITS, 99, EIO),
            "CGROUP_LIMITS limits[99]: input/output error");
  EXPECT_EQ(Describe(internal::LAUNCH_STEP_CGROUP_LIMITS, -1, EIO),
            "CGROUP_LIMITS limits[-1]: input/output error");
}

TEST(DescribeLaunchFailure, AnEmptyPlanIsNoTrouble) {
  for (const Case& c : Cases()) {
    EXPECT_FALSE(DescribeLaunchFailure(internal::LaunchPlan(), Failure(c.step, 0, EIO)).empty());
  }
}

TEST(DescribeLaunchFailure, AnArtifactIsNamedByWhereTheNodeKeepsIt) {
  internal::LaunchPlan plan = Plan();
  internal::Mount* mount = plan.add_mounts();
  mount->set_kind(internal::Mount::KIND_CACHED);
  mount->set_outside("/state/artifacts/objects/abc/content");
  mount->set_inside("/local/app");
  const int last = plan.mounts_size() - 1;
  const auto describe = [&](LaunchStep step) {
    return DescribeLaunchFailure(plan, Failure(step, last, ENOENT));
  };
  EXPECT_THAT(describe(internal::LAUNCH_STEP_MOUNTS),
              testing::HasSubstr("'/state/artifacts/objects/abc/content' on '/local/app'"));
  EXPECT_THAT(describe(internal::LAUNCH_STEP_TASK_DIRECTORY), testing::HasSubstr("'/local/app'"));
  plan.mutable_mounts(last)->set_kind(internal::Mount::KIND_COPIED);
  plan.mutable_mounts(last)->set_inside("/secrets/key");
  EXPECT_THAT(describe(internal::LAUNCH_STEP_MOUNTS),
              testing::HasSubstr("'/state/artifacts/objects/abc/content' on '/secrets/key'"));
}

TEST(DescribeLaunchFailure, ANameThatIsNowhereShowsWhereItWasLookedFor) {
  const internal::LaunchPlan plan = Plan("config { command: 'web' }");
  EXPECT_EQ(DescribeLaunchFailure(plan, Failure(internal::LAUNCH_STEP_EXEC, 4, ENOENT)),
            "EXEC '/local/web', '/web', '/usr/local/bin/web', '/usr/bin/web', '/bin/web': no such "
            "file or directory");
  EXPECT_EQ(DescribeLaunchFailure(plan, Failure(internal::LAUNCH_STEP_EXEC, 3, EACCES)),
            "EXEC '/usr/bin/web': permission denied");
}

TEST(DescribeLaunchFailure, GroupsAreNamed) {
  internal::LaunchPlan plan = Plan();
  plan.mutable_identity()->add_groups(4);
  plan.mutable_identity()->add_groups(30);
  EXPECT_EQ(DescribeLaunchFailure(plan, Failure(internal::LAUNCH_STEP_IDENTITY, 0, EINVAL)),
            "IDENTITY uid 65534, gid 65534, groups 4 30: invalid argument");
}

TEST(LaunchStepName, IsTheEnumsWithoutItsPrefix) {
  EXPECT_EQ(LaunchStepName(internal::LAUNCH_STEP_NO_NEW_PRIVS), "NO_NEW_PRIVS");
}

TEST(LaunchStepName, AStepOfANewerLauncherIsANumber) {
  EXPECT_EQ(LaunchStepName(static_cast<LaunchStep>(99)), "step 99");
  EXPECT_EQ(Describe(static_cast<LaunchStep>(99), 0, EIO), "step 99: input/output error");
}

}  // namespace
}  // namespace cloister::plan
