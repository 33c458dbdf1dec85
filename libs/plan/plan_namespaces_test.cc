#include "libs/plan/plan_namespaces.h"

#include <sched.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using node::NamespaceMode;
using ::testing::HasSubstr;

constexpr uint64_t kAlways = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP;
constexpr uint64_t kSysChroot = uint64_t{1} << 18;
constexpr uint64_t kSysPtrace = uint64_t{1} << 19;

class PlanNamespacesTest : public testing::Test {
 protected:
  absl::StatusOr<uint64_t> Plan(const std::string& modes) {
    return PlanNamespaces(ExampleSpec("config { command: 'x' " + modes + " }"), capabilities_,
                          policy_);
  }
  std::string Reason(const std::string& modes) { return GetReason(Plan(modes).status()); }

  internal::Capabilities capabilities_;
  node::NodePolicy policy_ = node::DefaultNodePolicy();
};

TEST_F(PlanNamespacesTest, AllAreOfTheTasksOwnByDefault) {
  EXPECT_THAT(Plan(""), IsOkAndHolds(kAlways | CLONE_NEWPID | CLONE_NEWIPC));
}

TEST_F(PlanNamespacesTest, HostIsRefusedUnlessTheNodeAllowsIt) {
  EXPECT_EQ(Reason("pid_mode: 'host'"), "PID_MODE_NOT_ALLOWED");
  EXPECT_EQ(Reason("ipc_mode: 'host'"), "IPC_MODE_NOT_ALLOWED");
  policy_.allow_host_pid_mode = true;
  EXPECT_THAT(Plan("pid_mode: 'host'"), IsOkAndHolds(kAlways | CLONE_NEWIPC));
  policy_.allow_host_ipc_mode = true;
  EXPECT_THAT(Plan("pid_mode: 'host' ipc_mode: 'host'"), IsOkAndHolds(kAlways));
  // Allowed is not given.
  EXPECT_THAT(Plan(""), IsOkAndHolds(kAlways | CLONE_NEWPID | CLONE_NEWIPC));
}

TEST_F(PlanNamespacesTest, ADefaultOfHostIsForTasksThatDoNotSay) {
  policy_.default_pid_mode = policy_.default_ipc_mode = NamespaceMode::kHost;
  EXPECT_THAT(Plan(""), IsOkAndHolds(kAlways));
  EXPECT_THAT(Plan("pid_mode: 'private'"), IsOkAndHolds(kAlways | CLONE_NEWPID));
  EXPECT_THAT(Plan("pid_mode: 'host' ipc_mode: 'host'"), IsOkAndHolds(kAlways));
}

TEST_F(PlanNamespacesTest, ATaskWithoutInitNeedsANamespaceThatEndsWithIt) {
  EXPECT_THAT(Plan("init: false"), IsOkAndHolds(kAlways | CLONE_NEWPID | CLONE_NEWIPC));
  policy_.allow_host_pid_mode = true;
  EXPECT_THAT(Plan("init: false pid_mode: 'host'"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config.init")));
}

TEST_F(PlanNamespacesTest, HostPidsNeedACgroupThatHoldsTheTask) {
  policy_.allow_host_pid_mode = true;
  policy_.limit_by_cgroups = false;
  EXPECT_EQ(Reason("pid_mode: 'host'"), "CGROUPS_UNAVAILABLE");
  EXPECT_THAT(Plan(""), IsOk());
}

TEST_F(PlanNamespacesTest, NobodyTracesTheNodesProcesses) {
  policy_.allow_host_pid_mode = true;
  capabilities_.set_permitted(kSysPtrace);
  capabilities_.set_bounding(kSysPtrace);
  EXPECT_EQ(Reason("pid_mode: 'host'"), "CAPABILITY_NOT_ALLOWED");
  EXPECT_THAT(Plan("pid_mode: 'private'"), IsOk());
  // A ceiling that the task does not hold cannot be reached: no_new_privs.
  capabilities_.set_permitted(0);
  EXPECT_THAT(Plan("pid_mode: 'host'"), IsOk());
}

TEST_F(PlanNamespacesTest, NobodyChrootsInARootWithoutPivotRoot) {
  capabilities_.set_permitted(kSysChroot);
  EXPECT_THAT(Plan(""), IsOk());
  policy_.no_pivot_root = true;
  EXPECT_THAT(Plan(""), StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("cap_drop")));
  capabilities_.set_permitted(0);
  EXPECT_THAT(Plan(""), IsOk());
}

}  // namespace
}  // namespace cloister::plan
