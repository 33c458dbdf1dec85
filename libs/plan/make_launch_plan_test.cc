#include "libs/plan/make_launch_plan.h"

#include <sched.h>

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MakeLaunchPlanTest : public testing::Test {
 protected:
  absl::StatusOr<internal::LaunchPlan> Make(absl::string_view config) {
    return MakeLaunchPlan(ExampleSpec(config), user_, facts_, policy_);
  }
  absl::StatusOr<internal::LaunchPlan> MakeTrue() {
    return Make("config { command: '/bin/true' }");
  }

  task::ResolvedUser user_ = ExampleNobody();
  node::NodeFacts facts_ = ExampleFacts(node::CgroupLayout::kV2);
  node::NodePolicy policy_ = node::DefaultNodePolicy();
};

TEST_F(MakeLaunchPlanTest, EveryTaskIsFencedThisFar) {
  const auto plan = MakeTrue();
  ASSERT_THAT(plan, IsOk());
  EXPECT_TRUE(plan->no_new_privs());
  EXPECT_EQ(plan->umask(), 022u);
  EXPECT_EQ(plan->namespaces(), static_cast<uint64_t>(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
                                                      CLONE_NEWUTS | CLONE_NEWCGROUP));
  EXPECT_GT(plan->masks_size(), 0);
  EXPECT_GT(plan->root().binds_size(), 0);
  EXPECT_EQ(plan->capabilities().effective(), 0u);
  EXPECT_GT(plan->cgroup().hierarchies_size(), 0);
}

// Values that differ from every default.
const std::map<std::string, std::string>& Samples() {
  static const auto* const kSamples = new std::map<std::string, std::string>{
      {"name", "name: 'n'"},
      {"config.command", "config { command: '/bin/false' }"},
      {"config.args", "config { args: 'a' }"},
      {"config.cap_add", "config { cap_add: 'chown' }"},
      {"config.cap_drop", "config { cap_drop: 'chown' }"},
      {"config.work_dir", "config { work_dir: '/tmp' }"},
      {"env", "env { key: 'A' value: 'b' }"},
      {"user", "user: '1000:1000'"},
      {"resources.cpu", "resources { cpu: 500 }"},
      {"resources.memory", "resources { memory: 10 }"},
      {"resources.pids", "resources { pids: 10 }"},
      {"kill_timeout", "kill_timeout { seconds: 1 }"},
      {"kill_signal", "kill_signal: 'HUP'"},
      {"meta", "meta { key: 'k' value: 'v' }"},
      {"config.pid_mode", "config { pid_mode: 'host' }"},
      {"config.ipc_mode", "config { ipc_mode: 'host' }"},
      {"config.root", "config { root: 'overlay' }"},
      {"config.root_size", "config { root: 'overlay' root_size: 65536 }"},
      {"config.userns", "config { userns: 'private' }"},
      {"config.seccomp", "config { seccomp: 'unconfined' }"},
      {"config.landlock", "config { landlock: false }"},
      {"config.no_new_privs", "config { no_new_privs: false }"},
      {"config.masked_paths", "config { masked_paths: false }"},
      {"config.chroot_env", "config { chroot_env: '/usr' }"},
      {"config.init", "config { init: false }"},
      {"resources.memory_max", "resources { memory_max: 500 }"},
      {"resources.secrets", "resources { secrets: 2 }"},
      {"volumes", "volumes { name: 'a' }"},
      {"volume_mounts", "volumes { name: 'v' } volume_mounts { volume: 'v' destination: '/v' }"},
      {"artifacts", "artifacts { source: 'https://h/x' }"},
      {"constraints", "constraints { attribute: '1' value: '2' }"},
      {"config.rlimits", "config { rlimits { name: 'cpu' soft: '1' } }"},
      {"config.oom_score_adj", "config { oom_score_adj: 1 }"},
      {"config.hostname", "config { hostname: 'h' }"},
      {"config.devices", "config { devices { host_path: '/dev/fuse' } }"},
      {"config.shm_size", "config { shm_size: 4096 }"},
      {"config.mounts", "config { mounts { type: 'own' destination: '/tmp' } }"},
      {"config.dns.servers", "config { dns { servers: '10.0.0.1' } }"},
      {"config.dns.searches", "config { dns { searches: 'a' } }"},
      {"config.dns.options", "config { dns { options: 'a' } }"},
      {"job.id", "job { id: 'a' }"},
      {"job.name", "job { name: 'a' }"},
      {"job.group", "job { group: 'a' }"},
      {"job.namespace", "job { namespace: 'a' }"},
      {"job.region", "job { region: 'a' }"},
      {"job.datacenter", "job { datacenter: 'a' }"},
      {"job.parent_id", "job { parent_id: 'a' }"},
  };
  return *kSamples;
}

// Refused by ParseTaskSpec, whatever they say, until there is something to do for them.
bool IsRefused(const std::string& path) {
  return path == "templates" || path == "resources.cores" || absl::StartsWith(path, "lifecycle.") ||
         absl::StartsWith(path, "logs.");
}

// No part of what is launched: inert text, which the environment has been made of already
// (libs/task/environment.h), what was judged before, and volumes that nothing mounts.
bool IsInert(const std::string& path) {
  return path == "name" || path == "meta" || path == "constraints" || path == "volumes" ||
         absl::StartsWith(path, "job.");
}

void ListLeaves(const Descriptor* message, const std::string& prefix,
                std::set<std::string>* leaves) {
  for (int i = 0; i < message->field_count(); ++i) {
    const FieldDescriptor* field = message->field(i);
    const std::string path = prefix + field->name();
    const bool is_ours = field->message_type() != nullptr && !field->is_map() &&
                         field->message_type()->file()->package() == message->file()->package();
    if (is_ours && !field->is_repeated()) {
      ListLeaves(field->message_type(), path + ".", leaves);
    } else if (!IsRefused(path)) {
      leaves->insert(path);
    }
  }
}

// A field that is added to TaskConfig and forgotten here, in the parser or in the plan fails one of
// these.
TEST_F(MakeLaunchPlanTest, EveryFieldOfTaskConfigHasASample) {
  std::set<std::string> leaves;
  ListLeaves(v1::TaskConfig::descriptor(), "", &leaves);
  std::set<std::string> sampled;
  for (const auto& [path, text] : Samples()) sampled.insert(path);
  EXPECT_EQ(leaves, sampled);
}

TEST_F(MakeLaunchPlanTest, NoFieldOfTaskConfigIsDropped) {
  policy_.allow_host_pid_mode = policy_.allow_host_ipc_mode = true;
  policy_.allow_unconfined_seccomp = policy_.allow_without_landlock = true;
  policy_.allow_new_privs = policy_.allow_unmasked_paths = true;
  policy_.host_volumes = {{"v", "/srv/v"}};
  policy_.allowed_devices = {{"/dev/fuse", 6}};
  facts_.devices = {{"/dev/fuse", true, "/dev/fuse", false, 10, 229}};
  facts_.volume_sources = {{"/srv/v", node::HostPath::Kind::kDirectory, false, "/srv/v"}};
  const auto base = MakeTrue();
  ASSERT_THAT(base, IsOk());
  for (const auto& [path, text] : Samples()) {
    v1::TaskConfig config = ExampleConfig("config { command: '/bin/true' }");
    ASSERT_TRUE(google::protobuf::TextFormat::MergeFromString(text, &config)) << text;
    task::ResolvedUser user = user_;
    if (path == "user") user.uid = user.gid = 1000;
    const auto plan = MakeLaunchPlan(ExampleSpec(config.DebugString()), user, facts_, policy_);
    ASSERT_THAT(plan, IsOk()) << path;
    const bool changed = plan->SerializeAsString() != base->SerializeAsString();
    EXPECT_EQ(changed, !IsInert(path)) << path;
  }
}

TEST_F(MakeLaunchPlanTest, InertFieldsAreKept) {
  const task::TaskSpec spec =
      ExampleSpec("config { command: 'x' } name: 'n' meta { key: 'k' value: 'v' }");
  EXPECT_EQ(spec.name(), "n");
  EXPECT_THAT(spec.meta(), ElementsAre(testing::Pair("k", "v")));
}

TEST_F(MakeLaunchPlanTest, OptionalsOfTheNodeChangeThePlanAndNothingElse) {
  facts_.mask_targets[8].kind = node::HostPath::Kind::kMissing;
  ASSERT_EQ(facts_.mask_targets[8].path, "/proc/kcore");
  const auto plan = MakeTrue();
  ASSERT_THAT(plan, IsOk());
  for (const internal::Mask& mask : plan->masks()) EXPECT_NE(mask.inside(), "/proc/kcore");
}

TEST_F(MakeLaunchPlanTest, RootIsRefusedUnderAnyName) {
  user_.uid = 0;
  for (const char* name : {"root", "toor"}) {
    user_.name = name;
    const auto plan = MakeTrue();
    EXPECT_THAT(plan, StatusIs(absl::StatusCode::kPermissionDenied,
                               absl::StrCat("running as user '", name,
                                            "' (uid 0) is not allowed on this node")));
    EXPECT_EQ(GetReason(plan.status()), "USER_NOT_ALLOWED");
  }
}

TEST_F(MakeLaunchPlanTest, ACapabilityThatIsNotAllowedIsNamed) {
  const auto plan = Make("config { command: 'x' cap_add: ['sys_admin', 'net_raw'] }");
  EXPECT_THAT(plan,
              StatusIs(absl::StatusCode::kPermissionDenied,
                       "driver does not allow the following capabilities: net_raw, sys_admin"));
  EXPECT_EQ(GetReason(plan.status()), "CAPABILITY_NOT_ALLOWED");
}

TEST_F(MakeLaunchPlanTest, ANodeThatCannotLimitRefuses) {
  facts_ = ExampleFacts(node::CgroupLayout::kNone);
  const auto plan = MakeTrue();
  EXPECT_THAT(plan, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("--cgroups=none")));
  EXPECT_EQ(GetReason(plan.status()), "CGROUPS_UNAVAILABLE");

  facts_ = ExampleFacts(node::CgroupLayout::kV2);
  facts_.cgroups.hierarchies[0].writable = false;
  EXPECT_EQ(GetReason(MakeTrue().status()), "CGROUPS_UNAVAILABLE");
}

TEST_F(MakeLaunchPlanTest, WhatIsOverACeilingIsAViolation) {
  policy_.max_memory_bytes = 100 << 20;
  policy_.max_pids = 100;
  EXPECT_THAT(
      GetFieldViolations(MakeTrue().status()),
      ElementsAre(
          FieldViolation{"resources.memory", "300 MiB is over this node's ceiling of 100 MiB"},
          FieldViolation{"resources.pids", "1024 is over this node's ceiling of 100"}));
  // Those of different parts of the plan, too.
  policy_ = node::DefaultNodePolicy();
  policy_.max_pids = 100;
  policy_.max_kill_timeout = absl::Seconds(1);
  EXPECT_EQ(GetFieldViolations(
                Make("config { command: 'x' chroot_env: '/x' cap_add: 'net_raw' } user: '9:9' "
                     "volumes { name: 'v' } volume_mounts { volume: 'v' destination: '/usr/v' }")
                    .status())
                .size(),
            4u);
  policy_.max_pids = 0;
  EXPECT_THAT(GetFieldViolations(MakeTrue().status()),
              ElementsAre(FieldViolation{"kill_timeout", "5s is over this node's ceiling of 1s"}));
}

TEST_F(MakeLaunchPlanTest, FactsOfAnotherPolicyAreRefused) {
  policy_.hidden_paths.push_back("/proc/new");
  EXPECT_THAT(MakeTrue(), StatusIs(absl::StatusCode::kInternal, HasSubstr("/proc/new")));
  policy_ = node::DefaultNodePolicy();
  policy_.chroot_entries.push_back({"/opt", "/opt"});
  EXPECT_THAT(MakeTrue(), StatusIs(absl::StatusCode::kInternal, HasSubstr("/opt")));
}

TEST_F(MakeLaunchPlanTest, APolicyThatMakesNoRootIsRefused) {
  policy_.chroot_entries[0].inside = "/dev/bin";
  EXPECT_THAT(MakeTrue(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'/dev/bin'")));
}

}  // namespace
}  // namespace cloister::plan
