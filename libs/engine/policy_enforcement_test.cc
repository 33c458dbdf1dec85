// What each key of a node's policy file refuses, from the text of the file to the answer to a
// start.
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/node_planner.h"
#include "libs/node/fingerprint.h"
#include "libs/node/policy_file.h"

namespace cloister::engine {
namespace {

using testing::Field;
using testing::IsSupersetOf;

constexpr char kTaskId[] = "abcdefghijklmnopqrstuvwxyz";

node::NodeFacts FactsFor(const node::NodePolicy& policy) {
  node::NodeFacts facts;
  facts.kernel_release = "6.1.0";
  for (const node::ChrootEntry& entry : policy.chroot_entries) {
    facts.chroot_sources.push_back(
        {entry.outside, node::HostPath::Kind::kDirectory, false, entry.outside});
  }
  for (const node::HostVolume& volume : policy.host_volumes) {
    facts.volume_sources.push_back(
        {volume.path, node::HostPath::Kind::kDirectory, false, volume.path});
  }
  for (const auto& paths : {policy.hidden_paths, policy.read_only_paths}) {
    for (const std::string& path : paths) facts.mask_targets.push_back({path});
  }
  facts.hard_limits.fill(1 << 20);
  facts.capabilities = capability::CapabilitySet::UpTo(40);
  facts.cgroups.layout = node::CgroupLayout::kV2;
  facts.cgroups.hierarchies = {{"/sys/fs/cgroup", true, {"cpu", "memory", "pids"}, true, ""}};
  facts.attributes = node::NodeAttributes(policy.labels, "n1");
  return facts;
}

class PolicyEnforcement : public testing::Test {
 protected:
  // The answer of a node with this policy to a task with this configuration.
  absl::StatusOr<PlannedTask> Plan(const std::string& policy_text, const std::string& task) {
    const auto file = node::ParsePolicyFile("policy.hcl", policy_text, node::DefaultNodePolicy());
    EXPECT_THAT(file, IsOk());
    if (!file.ok()) return file.status();
    const NodePlanner planner(FactsFor(file->policy), file->policy,
                              [](const task::UserField& field) {
                                return absl::StatusOr<task::ResolvedUser>(UserOf(field));
                              });
    v1::TaskConfig config;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(task, &config));
    config.mutable_config()->set_command("/bin/true");
    return planner.Plan(config, kTaskId);
  }
  std::string ReasonOf(const std::string& policy, const std::string& task) {
    return GetReason(Plan(policy, task).status());
  }

 private:
  static task::ResolvedUser UserOf(const task::UserField& field) {
    task::ResolvedUser user;
    user.name = field.kind == task::UserField::Kind::kName ? field.name : field.ToString();
    user.uid = user.name == "nobody" ? 65534 : 1000;
    user.gid = user.uid;
    user.groups = {44};
    user.home = "/";
    user.gid_from_passwd = true;
    return user;
  }
};

TEST_F(PolicyEnforcement, HostModesAreRefusedUnlessAllowedOrTheDefault) {
  const std::string pid = "config { pid_mode: 'host' cap_drop: 'all' }";
  EXPECT_EQ(ReasonOf("", pid), "PID_MODE_NOT_ALLOWED");
  EXPECT_THAT(Plan("allow_host_pid_mode = true", pid), IsOk());
  EXPECT_THAT(Plan("default_pid_mode = \"host\"", pid), IsOk());
  const std::string ipc = "config { ipc_mode: 'host' cap_drop: 'all' }";
  EXPECT_EQ(ReasonOf("", ipc), "IPC_MODE_NOT_ALLOWED");
  EXPECT_THAT(Plan("allow_host_ipc_mode = true", ipc), IsOk());
  EXPECT_THAT(Plan("default_ipc_mode = \"host\"", ipc), IsOk());
}

TEST_F(PolicyEnforcement, CapabilitiesThatAreNotAllowedAreRefused) {
  const std::string task = "config { cap_add: 'chown' }";
  EXPECT_THAT(Plan("", task), IsOk());
  EXPECT_EQ(ReasonOf("allow_caps = [\"kill\"]", task), "CAPABILITY_NOT_ALLOWED");
  EXPECT_EQ(ReasonOf("", "config { cap_add: 'all' }"), "CAPABILITY_NOT_ALLOWED");
  EXPECT_THAT(Plan("allow_caps = [\"all\"]", "config { cap_add: 'all' }"), IsOk());
}

TEST_F(PolicyEnforcement, ChrootCapabilityIsRefusedWithoutPivotRoot) {
  const std::string task = "config { cap_add: 'sys_chroot' }";
  EXPECT_THAT(Plan("", task), IsOk());
  EXPECT_EQ(ReasonOf("no_pivot_root = true", task), "CAPABILITY_NOT_ALLOWED");
}

TEST_F(PolicyEnforcement, DefaultCapabilitiesAreHeldOnlyWhereThePolicySaysSo) {
  EXPECT_EQ(Plan("", "")->plan.capabilities().effective(), 0u);
  EXPECT_NE(Plan("ambient_default_caps = true", "")->plan.capabilities().effective(), 0u);
}

TEST_F(PolicyEnforcement, DeniedIdsAreRefusedTheGroupsBesideToo) {
  EXPECT_THAT(Plan("denied_host_uids = \"0-99\"", "user: 'alice'"), IsOk());
  EXPECT_EQ(ReasonOf("denied_host_uids = \"0-99,1000\"", "user: 'alice'"), "USER_NOT_ALLOWED");
  EXPECT_EQ(ReasonOf("denied_host_gids = \"1000\"", "user: 'alice'"), "USER_NOT_ALLOWED");
  EXPECT_EQ(ReasonOf("denied_host_gids = \"40-50\"", "user: 'alice'"), "USER_NOT_ALLOWED");
  // The exec driver's list of gids refuses everybody here.
  EXPECT_THAT(Plan("denied_host_gids = \"0\"", "user: 'alice'"), IsOk());
}

TEST_F(PolicyEnforcement, OnlyUsersOfTheListRun) {
  EXPECT_THAT(Plan("allowed_users = [\"alice\"]", "user: 'alice'"), IsOk());
  EXPECT_EQ(ReasonOf("allowed_users = [\"alice\"]", "user: 'bob'"), "USER_NOT_ALLOWED");
  EXPECT_EQ(ReasonOf("allowed_users = [\"alice\"]", ""), "USER_NOT_ALLOWED");
}

TEST_F(PolicyEnforcement, VolumesAreThoseOfThePolicyAsFarAsItLets) {
  const std::string policy =
      "host_volume \"data\" {\n path = \"/srv/data\"\n read_only = true\n"
      " propagation = \"private\"\n}\n";
  const std::string task =
      "volumes { name: 'data' } volume_mounts { volume: 'data' destination: '/data' ";
  const auto planned = Plan(policy, task + "}");
  ASSERT_THAT(planned, IsOk());
  EXPECT_EQ(ReasonOf("", task + "}"), "INVALID_FIELDS");
  EXPECT_EQ(ReasonOf(policy, task + "propagation_mode: 'host-to-task' }"),
            "PROPAGATION_NOT_ALLOWED");
}

TEST_F(PolicyEnforcement, TheRootIsMadeOfThePolicysEntriesAndNoOthers) {
  const std::string policy = "chroot_env = { \"/bin\" = \"/bin\" }";
  EXPECT_THAT(Plan("", "config { chroot_env: '/usr' }"), IsOk());
  EXPECT_THAT(Plan(policy, "config { chroot_env: '/bin' }"), IsOk());
  EXPECT_EQ(ReasonOf(policy, "config { chroot_env: '/usr' }"), "INVALID_FIELDS");
}

TEST_F(PolicyEnforcement, EveryCeilingIsOne) {
  const std::string policy =
      "ceilings {\n memory = 64\n memory_max = 128\n pids = 10\n cpu = 50\n secrets = 2\n}\n";
  const auto refused =
      Plan(policy, "resources { memory: 65 memory_max: 129 pids: 11 cpu: 51 secrets: 3 }");
  EXPECT_THAT(GetFieldViolations(refused.status()),
              IsSupersetOf({Field(&FieldViolation::field, "resources.memory"),
                            Field(&FieldViolation::field, "resources.memory_max"),
                            Field(&FieldViolation::field, "resources.pids"),
                            Field(&FieldViolation::field, "resources.cpu"),
                            Field(&FieldViolation::field, "resources.secrets")}));
  EXPECT_THAT(Plan(policy, "resources { memory: 64 memory_max: 128 pids: 10 cpu: 50 secrets: 2 }"),
              IsOk());
  EXPECT_EQ(ReasonOf("ceilings { kill_timeout = \"4s\" }", ""), "INVALID_FIELDS");
  EXPECT_THAT(Plan("ceilings { kill_timeout = \"5s\" }", ""), IsOk());
}

TEST_F(PolicyEnforcement, OpenFilesStayBelowTheirCeiling) {
  const auto planned = Plan("ceilings { open_files = 100 }", "");
  ASSERT_THAT(planned, IsOk());
  bool bounded = false;
  for (const auto& rlimit : planned->plan.rlimits()) bounded = bounded || rlimit.hard() == 100;
  EXPECT_TRUE(bounded);
}

TEST_F(PolicyEnforcement, LabelsOfTheNodeAreWhatConstraintsSee) {
  const std::string policy = "node {\n class = \"gpu\"\n meta {\n  rack = \"r7\"\n }\n}\n";
  const std::string task =
      "constraints { attribute: '${node.class}' value: 'gpu' }"
      "constraints { attribute: '${meta.rack}' operator: 'regexp' value: '^r' }";
  EXPECT_THAT(Plan(policy, task), IsOk());
  EXPECT_EQ(ReasonOf("", task), "CONSTRAINT_NOT_MET");
}

}  // namespace
}  // namespace cloister::engine
