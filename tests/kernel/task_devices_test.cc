// Devices of a task, and the filter that keeps it from all others, by the kernel itself.
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cloister/internal/launcher.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/cgroup/parent.h"
#include "libs/node/read_cgroup_facts.h"
#include "tests/kernel/launch_fixture.h"

namespace cloister {
namespace {

using internal::DevicePlan;
using internal::LaunchPlan;
using ::testing::HasSubstr;

constexpr uint32_t kMajor = 10;  // /dev/fuse: anybody may open it, and nothing happens.
constexpr uint32_t kMinor = 229;
constexpr uint32_t kRead = 2;
constexpr uint32_t kReadWrite = 6;
constexpr uint64_t kMknod = uint64_t{1} << 27;

class TaskDevices : public LaunchFixture {
 protected:
  void SetUp() override {
    LaunchFixture::SetUp();
    if (HasFatalFailure()) return;
    MakeSite(0, 0);
    const LaunchPlan plan = DefaultPlan();
    const auto& hierarchies = plan.cgroup().hierarchies();
    if (std::none_of(hierarchies.begin(), hierarchies.end(),
                     [](const auto& hierarchy) { return hierarchy.unified(); })) {
      GTEST_SKIP() << "no cgroup v2 hierarchy";
    }
    node_ = absl::StrCat(directory_, "/fuse");
    ASSERT_EQ(mknod(node_.c_str(), S_IFCHR | 0666, makedev(kMajor, kMinor)), 0);
    ASSERT_EQ(chmod(node_.c_str(), 0666), 0);
  }

  // What it says, or the step that failed.
  std::string Sh(LaunchPlan plan, const std::string& script) {
    plan.mutable_exec()->set_args(1, script);
    auto result = Launch(std::move(plan));
    if (auto* failure = absl::get_if<internal::LaunchFailure>(&result)) {
      return failure->ShortDebugString();
    }
    launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
    AwaitExit(task);
    const std::string out = Output(task);
    task.pool->Discard(std::move(task.slot));
    return out;
  }

  LaunchPlan PlanWithNode(const std::string& outside) const {
    LaunchPlan plan = DefaultPlan();
    auto* device = plan.mutable_root()->add_devices();
    device->set_outside(outside);
    device->set_inside("/dev/net/fuse");
    device->set_major(kMajor);
    device->set_minor(kMinor);
    return plan;
  }

  static void Allow(uint32_t access, LaunchPlan* plan) {
    plan->mutable_devices()->set_filter(DevicePlan::FILTER_BPF);
    DevicePlan::Rule* rule = plan->mutable_devices()->add_rules();
    rule->set_major(kMajor);
    rule->set_minor(kMinor);
    rule->set_access(access);
  }

  static void GiveMknod(LaunchPlan* plan) {
    plan->mutable_capabilities()->set_permitted(kMknod);
    plan->mutable_capabilities()->set_effective(kMknod);
    plan->mutable_capabilities()->set_inheritable(kMknod);
    plan->mutable_capabilities()->set_ambient(kMknod);
  }

  std::string node_;
};

constexpr char kOpen[] =
    "(exec 3</dev/net/fuse) 2>/dev/null && echo read; (exec 3<>/dev/net/fuse) 2>/dev/null && echo "
    "both; echo x >/dev/null && head -c 1 /dev/zero >/dev/full; echo done";

TEST_F(TaskDevices, ADeviceCanBeUsedAsFarAsItsRuleGoes) {
  LaunchPlan plan = PlanWithNode(node_);
  Allow(kReadWrite, &plan);
  EXPECT_EQ(Sh(plan, kOpen), "read\nboth\ndone\n");
  plan.mutable_devices()->clear_rules();
  Allow(kRead, &plan);
  EXPECT_EQ(Sh(plan, kOpen), "read\ndone\n");
}

TEST_F(TaskDevices, OneThatIsNotListedIsRefusedByTheKernel) {
  LaunchPlan plan = PlanWithNode(node_);
  // By nothing but the filter: the node is there, and its mode lets everybody.
  EXPECT_EQ(Sh(plan, kOpen), "read\nboth\ndone\n");
  plan.mutable_devices()->set_filter(DevicePlan::FILTER_BPF);
  EXPECT_EQ(Sh(plan, kOpen), "done\n");
  EXPECT_THAT(Sh(plan, "(exec 3</dev/net/fuse) 2>&1"), HasSubstr("Operation not permitted"));
}

TEST_F(TaskDevices, ATasksOwnFilterIsNoOtherTasks) {
  LaunchPlan with = PlanWithNode(node_);
  Allow(kReadWrite, &with);
  LaunchPlan without = PlanWithNode(node_);
  without.mutable_devices()->set_filter(DevicePlan::FILTER_BPF);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Sh(with, kOpen), "read\nboth\ndone\n");
    EXPECT_EQ(Sh(without, kOpen), "done\n");
  }
}

TEST_F(TaskDevices, NoneIsMadeEvenWithTheCapabilityForIt) {
  LaunchPlan plan = DefaultPlan();
  GiveMknod(&plan);
  const std::string script =
      "mknod /local/null c 1 3 2>&1; mknod /local/sda b 8 0 2>&1; mkfifo /local/f && echo fifo;"
      "(: </local/null) 2>/dev/null && echo opened";
  // Without the filter they are made, and do not work: the mount is nodev.
  EXPECT_EQ(Sh(plan, script), "fifo\n");
  plan.mutable_devices()->set_filter(DevicePlan::FILTER_BPF);
  const std::string out = Sh(plan, "rm -f /local/*; " + script);
  EXPECT_THAT(out, HasSubstr("/local/null: Operation not permitted"));
  EXPECT_THAT(out, HasSubstr("/local/sda: Operation not permitted"));
  EXPECT_THAT(out, HasSubstr("fifo\n"));
}

TEST_F(TaskDevices, ATerminalOfItsOwnWorks) {
  LaunchPlan plan = DefaultPlan();
  plan.mutable_devices()->set_filter(DevicePlan::FILTER_BPF);
  EXPECT_EQ(Sh(plan, "exec 3<>/dev/ptmx && ls /dev/pts"), "0\nptmx\n");
}

TEST_F(TaskDevices, AnotherDeviceInItsPlaceIsNotTaken) {
  const std::string other = absl::StrCat(directory_, "/zero");
  const std::string link = absl::StrCat(directory_, "/link");
  ASSERT_EQ(mknod(other.c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
  ASSERT_EQ(symlink(node_.c_str(), link.c_str()), 0);
  for (const std::string& place : {other, link}) {
    EXPECT_THAT(Sh(PlanWithNode(place), "true"),
                HasSubstr(absl::StrCat("step: LAUNCH_STEP_TEMPLATE error_number: ", ESTALE)))
        << place;
  }
}

TEST_F(TaskDevices, DevStaysReadOnly) {
  LaunchPlan plan = PlanWithNode(node_);
  Allow(kReadWrite, &plan);
  EXPECT_EQ(Sh(plan,
               "for f in /dev/x /dev/net/x; do (: >$f) 2>&1 | grep -o Read-only; done;"
               "rm /dev/net/fuse 2>&1 | grep -o 'Read-only\\|busy'"),
            "Read-only\nRead-only\nRead-only\n");
}

// On a node without a v2 hierarchy: what the plan says is written by its limits alone.
class TaskDevicesV1 : public LaunchFixture {
 protected:
  void SetUp() override {
    LaunchFixture::SetUp();
    if (HasFatalFailure()) return;
    all_ = facts_;
    auto& hierarchies = facts_.hierarchies;
    hierarchies.erase(std::remove_if(hierarchies.begin(), hierarchies.end(),
                                     [](const auto& one) { return one.unified; }),
                      hierarchies.end());
    facts_.layout = node::LayoutOf(hierarchies);
    const auto carries = [](const auto& one) {
      return std::count(one.controllers.begin(), one.controllers.end(), "devices") > 0;
    };
    if (facts_.layout != node::CgroupLayout::kV1 ||
        std::none_of(hierarchies.begin(), hierarchies.end(), carries)) {
      GTEST_SKIP() << "no cgroup v1 hierarchy with the devices controller";
    }
    ASSERT_THAT(cgroup::MakeParent(facts_, parent_), IsOk());
    MakeSite(0, 0);
  }
  void TearDown() override {
    site_.reset();
    for (const node::CgroupHierarchy& hierarchy : facts_.hierarchies) {
      std::ofstream(absl::StrCat(hierarchy.mount_point, "/", hierarchy.own_path, "/cgroup.procs"))
          << getpid();
    }
    EXPECT_THAT(cgroup::RemoveParent(facts_, parent_, absl::Seconds(5)), IsOk());
    facts_ = all_;
    LaunchFixture::TearDown();
  }

  std::string Sh(const std::vector<std::string>& allowed, const std::string& script) {
    LaunchPlan plan = DefaultPlan();
    for (auto& hierarchy : *plan.mutable_cgroup()->mutable_hierarchies()) {
      if (hierarchy.controllers().size() != 1 || hierarchy.controllers(0) != "devices") continue;
      auto* deny = hierarchy.add_limits();
      deny->set_file("devices.deny");
      deny->set_value("a");
      for (const std::string& rule : allowed) {
        auto* allow = hierarchy.add_limits();
        allow->set_file("devices.allow");
        allow->set_value(rule);
      }
    }
    plan.mutable_devices()->set_filter(DevicePlan::FILTER_CONTROLLER);
    plan.mutable_exec()->set_args(1, script);
    auto result = Launch(std::move(plan));
    if (auto* failure = absl::get_if<internal::LaunchFailure>(&result)) {
      return failure->ShortDebugString();
    }
    launch::LaunchedTask& task = absl::get<launch::LaunchedTask>(result);
    AwaitExit(task);
    const std::string out = Output(task);
    EXPECT_THAT(task.slot.Kill(absl::Seconds(5)), IsOk());
    task.pool->Discard(std::move(task.slot));
    return out;
  }

  node::CgroupFacts all_;
};

TEST_F(TaskDevicesV1, WhatIsNotAllowedIsRefusedByTheKernel) {
  const std::string script =
      "for d in null zero full; do (exec 3<>/dev/$d) 2>/dev/null && echo $d; done; echo done";
  EXPECT_EQ(Sh({"c 1:3 rw"}, script), "null\ndone\n");
  EXPECT_EQ(Sh({"c 1:3 rw", "c 1:5 rw", "c 1:7 r"}, script), "null\nzero\ndone\n");
}

}  // namespace
}  // namespace cloister
