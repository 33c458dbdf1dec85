// Whole plans against goldens in testdata/. After a change that is meant:
//
//   bazel run //libs/plan:golden_plan_test -- --update=$PWD/libs/plan/testdata
//
// and read the difference: a plan is what a task is fenced by.
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/explain_plan.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using node::CgroupLayout;

std::string& UpdateDirectory() {
  static auto* const kDirectory = new std::string();
  return *kDirectory;
}

struct Scenario {
  std::string name;
  std::string about;
  node::NodeFacts facts;
  std::string config;
  task::ResolvedUser user = ExampleNobody();
  node::NodePolicy policy = node::DefaultNodePolicy();
};

constexpr char kTrue[] = "config { command: '/bin/true' }";

constexpr char kEverything[] = R"pb(
  name: "web"
  config {
    command: "web"
    args: "--listen"
    args: ":8080"
    args: ""
    cap_add: "net_bind_service"
    cap_drop: "all"
    work_dir: "/local/data"
  }
  env { key: "HOME" value: "/root" }
  env { key: "PATH" value: "/bin" }
  env { key: "TOKEN" value: "s3cret" }
  user: "www-data"
  resources { cpu: 500 memory: 64 pids: 32 }
  kill_timeout { seconds: 30 }
  kill_signal: "SIGINT"
  meta { key: "owner" value: "me" }
)pb";

constexpr char kVolumes[] = R"pb(
  config { command: "web" chroot_env: "/usr" chroot_env: "/bin" }
  resources { memory: 64 memory_max: 128 }
  volumes { name: "d" source: "data" }
  volumes { name: "certs" }
  volume_mounts { volume: "d" destination: "/srv/data" propagation_mode: "bidirectional" }
  volume_mounts {
    volume: "d"
    destination: "local/data"
    propagation_mode: "host-to-task"
    read_only: true
  }
  volume_mounts { volume: "certs" destination: "/opt/certs" }
)pb";

constexpr char kMounts[] = R"pb(
  config {
    command: "web"
    rlimits { name: "nofile" soft: "4096" hard: "65536" }
    rlimits { name: "core" hard: "unlimited" }
    oom_score_adj: -100
    hostname: "web-1.example.org"
    shm_size: 1048576
    mounts { type: "bind" source: "/srv/www" destination: "/var/www" read_only: true }
    mounts { type: "tmpfs" destination: "/local/cache" size: 4194304 mode: "0700" noexec: true }
    mounts { type: "own" destination: "/tmp" }
    dns { servers: "10.0.0.1" options: "ndots:2" }
    devices { host_path: "/dev/fuse" }
    devices { host_path: "/dev/disk/by-id/d" task_path: "/dev/d" permissions: "r" }
  }
)pb";

task::ResolvedUser WwwData() {
  task::ResolvedUser user;
  user.name = "www-data";
  user.uid = 33;
  user.gid = 33;
  user.groups = {4, 1000};
  user.home = "/var/www";
  user.gid_from_passwd = true;
  return user;
}

task::ResolvedUser ChosenNumbers() {
  task::ResolvedUser user;
  user.name = "4242";
  user.uid = 4242;
  user.gid = 4343;
  user.home = "/";
  return user;
}

std::vector<Scenario> Scenarios() {
  std::vector<Scenario> all;
  all.push_back({"nobody_v1", "A task that says only its command, on a cgroup v1 node.",
                 ExampleFacts(CgroupLayout::kV1), kTrue});
  all.push_back(
      {"nobody_v2", "The same on a cgroup v2 node.", ExampleFacts(CgroupLayout::kV2), kTrue});
  all.push_back({"nobody_hybrid", "The same on a hybrid node: v1 limits, v2 only kills.",
                 ExampleFacts(CgroupLayout::kHybrid), kTrue});
  all.push_back({"nobody_without_cgroups",
                 "The same with --cgroups=none: fenced, but without limits.",
                 ExampleFacts(CgroupLayout::kNone), kTrue});
  all.back().policy.limit_by_cgroups = false;
  all.push_back({"cap_add", "cap_add of a capability that the node allows beside its defaults.",
                 ExampleFacts(CgroupLayout::kV2),
                 "config { command: '/bin/true' cap_add: 'net_raw' cap_add: 'chown' }"});
  all.back().policy.allow_caps.named =
      all.back().policy.allow_caps.named | capability::CapabilitySet{13};
  all.push_back({"uid_gid", "Numbers that passwd does not know.", ExampleFacts(CgroupLayout::kV2),
                 "config { command: '/bin/true' } user: '4242:4343'", ChosenNumbers()});
  all.push_back({"without_merged_usr",
                 "A node with directories of their own for /bin, /lib, /lib64, /sbin.",
                 ExampleFactsWithoutMergedUsr(CgroupLayout::kV2), kTrue});
  all.push_back({"host_modes",
                 "pid_mode and ipc_mode host, on a node that allows the one and has the "
                 "other as its default.",
                 ExampleFacts(CgroupLayout::kV2),
                 "config { command: '/bin/true' pid_mode: 'host' }"});
  all.back().policy.allow_host_pid_mode = true;
  all.back().policy.default_ipc_mode = node::NamespaceMode::kHost;
  all.push_back({"volumes", "Volumes in the root and in /local, and a narrowed root.",
                 ExampleFacts(CgroupLayout::kHybrid), kVolumes});
  all.back().policy.host_volumes = {
      {"data", "/srv/data", false, node::VolumePropagation::kBidirectional},
      {"certs", "/srv/certs", true, node::VolumePropagation::kPrivate}};
  all.back().facts.volume_sources = {
      {"/srv/data", node::HostPath::Kind::kDirectory, true, "/disks/1/data", 2049, 131},
      {"/srv/certs", node::HostPath::Kind::kDirectory, false, "/srv/certs", 2049, 132}};
  all.push_back({"mounts", "Limits, names, mounts and devices of the task's own.",
                 ExampleFacts(CgroupLayout::kV2), kMounts});
  all.back().policy.allowed_mount_sources = {"/srv"};
  all.back().policy.private_directories = {"/var/lib/cloister"};
  all.back().policy.min_oom_score_adj = -500;
  all.back().policy.allowed_devices = {{"/dev/fuse", 6}, {"/dev/disk/by-id/d", 7}};
  all.back().facts.devices = {{"/dev/disk/by-id/d", true, "/dev/sdb", true, 8, 16},
                              {"/dev/fuse", true, "/dev/fuse", false, 10, 229}};
  all.back().policy.max_rlimits = {{RLIMIT_CORE, RLIM_INFINITY}};
  all.push_back({"nomad_profile", "A node after the exec driver's habits, made without pivot_root.",
                 ExampleFacts(CgroupLayout::kV1),
                 "config { command: 'app/run' cap_drop: ['sys_chroot', 'chown'] cap_add: 'chown' } "
                 "resources { memory_max: -1 secrets: 5 }"});
  all.back().policy.ambient_default_caps = true;
  all.back().policy.no_pivot_root = true;
  all.back().policy.max_memory_bytes = uint64_t{4} << 30;
  all.push_back({"classic_mounts", "A kernel without the newer calls for mounts.",
                 ExampleFacts(CgroupLayout::kV1), kTrue});
  all.back().facts.classic_mounts = true;
  all.push_back({"one_id", "An executor without root that has one id: its user's.",
                 ExampleFactsWithoutRoot(node::UserNamespace::Kind::kOneId), kTrue,
                 ExampleAlice()});
  all.back().policy.limit_by_cgroups = false;
  all.push_back({"id_range", "An executor without root that has a range of ids.",
                 ExampleFactsWithoutRoot(node::UserNamespace::Kind::kRange),
                 "config { command: '/bin/true' cap_add: 'chown' ipc_mode: 'host' }"});
  all.back().policy.limit_by_cgroups = false;
  all.back().policy.allow_host_ipc_mode = true;
  all.push_back({"overlay", "A root that the task may change.", ExampleFacts(CgroupLayout::kV2),
                 "config { command: '/bin/true' root: 'overlay' root_size: 1048576 }"});
  all.push_back({"own_ids", "Root of ids of its own, with a volume.",
                 ExampleFacts(CgroupLayout::kV2),
                 "config { command: '/bin/true' userns: 'private' } user: 'root' "
                 "volumes { name: 'data' } volume_mounts { volume: 'data' destination: '/srv' }",
                 ExampleRoot()});
  all.back().policy.host_volumes = {
      {"data", "/srv/data", false, node::VolumePropagation::kPrivate}};
  all.back().facts.volume_sources = {
      {"/srv/data", node::HostPath::Kind::kDirectory, false, "/srv/data", 2049, 131}};
  all.push_back({"own_ids_without_root",
                 "Root of ids of its own, with a volume, without root: a stranger in there.",
                 ExampleFactsWithoutRoot(node::UserNamespace::Kind::kRange),
                 "config { command: '/bin/true' userns: 'private' } user: 'root' "
                 "volumes { name: 'data' } volume_mounts { volume: 'data' destination: '/srv' "
                 "read_only: true }",
                 ExampleRoot()});
  all.back().facts.user_namespace.last_uid = 131071;
  all.back().facts.user_namespace.last_gid = 131071;
  all.back().facts.volume_sources = {
      {"/srv/data", node::HostPath::Kind::kDirectory, false, "/srv/data", 2049, 131}};
  all.back().policy.host_volumes = {
      {"data", "/srv/data", false, node::VolumePropagation::kPrivate}};
  all.back().policy.limit_by_cgroups = false;
  all.push_back({"everything", "A task that says all it can.", ExampleFacts(CgroupLayout::kV2),
                 kEverything, WwwData()});
  return all;
}

// The inputs on top, as comments; then the explanation, as comments; then the plan.
std::string Render(const Scenario& scenario, const task::TaskSpec& spec,
                   const internal::LaunchPlan& plan) {
  std::string text = absl::StrCat("# ", scenario.about, "\n#\n");
  const std::string words = ExplainPlan(spec, scenario.facts, scenario.policy, plan);
  std::istringstream lines(words);
  for (std::string line; std::getline(lines, line);) {
    absl::StrAppend(&text, "# ", absl::StripSuffix(line, " "), "\n");
  }
  std::string fields;
  google::protobuf::TextFormat::PrintToString(plan, &fields);
  return absl::StrCat(text, "\n", fields);
}

class GoldenPlan : public testing::TestWithParam<Scenario> {};

TEST_P(GoldenPlan, IsAsReviewed) {
  const Scenario& scenario = GetParam();
  const task::TaskSpec spec = ExampleSpec(scenario.config);
  const auto plan = MakeLaunchPlan(spec, scenario.user, scenario.facts, scenario.policy);
  ASSERT_THAT(plan, IsOk());
  const std::string actual = Render(scenario, spec, *plan);
  const std::string file = absl::StrCat(scenario.name, ".textproto");
  if (!UpdateDirectory().empty()) {
    std::ofstream(absl::StrCat(UpdateDirectory(), "/", file)) << actual;
    return;
  }
  std::ifstream golden(absl::StrCat("libs/plan/testdata/", file));
  ASSERT_TRUE(golden.is_open()) << "there is no golden " << file;
  const std::string expected((std::istreambuf_iterator<char>(golden)),
                             std::istreambuf_iterator<char>());
  EXPECT_EQ(actual, expected) << "for a change that is meant, see the top of this test";
  // The golden is the plan, not only its text.
  internal::LaunchPlan read_back;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(expected, &read_back));
  EXPECT_EQ(read_back.SerializeAsString(), plan->SerializeAsString());
}

TEST_P(GoldenPlan, IsTheSameEveryTime) {
  const Scenario& scenario = GetParam();
  const task::TaskSpec spec = ExampleSpec(scenario.config);
  const auto first = MakeLaunchPlan(spec, scenario.user, scenario.facts, scenario.policy);
  const auto second =
      MakeLaunchPlan(ExampleSpec(scenario.config), scenario.user, scenario.facts, scenario.policy);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
}

INSTANTIATE_TEST_SUITE_P(All, GoldenPlan, testing::ValuesIn(Scenarios()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cloister::plan

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (!absl::ConsumePrefix(&argument, "--update=")) {
      std::cerr << "unknown argument '" << argument << "'\n";
      return 2;
    }
    cloister::plan::UpdateDirectory() = std::string(argument);
  }
  return RUN_ALL_TESTS();
}
