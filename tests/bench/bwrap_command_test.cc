#include "tests/bench/bwrap_command.h"

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/node/node_policy.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::bench {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::string CommandLine(bool seccomp) {
  const internal::LaunchPlan plan = *plan::MakeLaunchPlan(
      plan::ExampleSpec(
          "config { command: '/bin/echo' args: 'a b' } env { key: 'K' value: 'x=y' }"),
      plan::ExampleNobody(), plan::ExampleFacts(node::CgroupLayout::kV2),
      node::DefaultNodePolicy());
  return absl::StrJoin(MakeBwrapArguments(plan, "/b/0", seccomp), "|");
}

TEST(BwrapCommandTest, TakesNamespacesUserAndCapabilitiesFromThePlan) {
  EXPECT_THAT(CommandLine(false),
              AllOf(HasSubstr("--unshare-pid|--unshare-ipc|--unshare-uts|--unshare-cgroup|"),
                    Not(HasSubstr("--unshare-net")), HasSubstr("--uid|65534|--gid|65534"),
                    HasSubstr("--cap-drop|ALL"), Not(HasSubstr("--cap-add"))));
}

TEST(BwrapCommandTest, MakesTheSameRoot) {
  EXPECT_THAT(CommandLine(false),
              AllOf(HasSubstr("--ro-bind|/usr|/usr"), HasSubstr("--symlink|usr/bin|/bin"),
                    HasSubstr("--bind|/b/0/tmp|/tmp"), HasSubstr("--bind|/b/0/local|/local"),
                    HasSubstr("--perms|1777|--size|67108864|--tmpfs|/dev/shm"),
                    HasSubstr("--mqueue|/dev/mqueue"), HasSubstr("--proc|/proc"),
                    HasSubstr("--remount-ro|/dev|--remount-ro|/")));
}

TEST(BwrapCommandTest, MasksWhatItDoesNotMaskByItself) {
  EXPECT_THAT(
      CommandLine(false),
      AllOf(HasSubstr("--ro-bind|/dev/null|/proc/kcore"), HasSubstr("--ro-bind|/proc/fs|/proc/fs"),
            HasSubstr("--ro-bind|/proc/sys|/proc/sys"), Not(HasSubstr("/proc/irq")),
            HasSubstr("--tmpfs|/sys/firmware|--remount-ro|/sys/firmware")));
}

TEST(BwrapCommandTest, EndsWithTheCommand) {
  EXPECT_THAT(CommandLine(false), EndsWith("--chdir|/|--|/bin/echo|a b"));
  EXPECT_THAT(CommandLine(false), HasSubstr("--clearenv|--setenv|HOME|"));
  EXPECT_THAT(CommandLine(false), HasSubstr("--setenv|K|x=y"));
}

TEST(BwrapCommandTest, HasSeccompOnlyWhereTasksHaveIt) {
  EXPECT_THAT(CommandLine(false), Not(HasSubstr("seccomp")));
  EXPECT_THAT(CommandLine(true), HasSubstr("--seccomp|3"));
}

}  // namespace
}  // namespace cloister::bench
