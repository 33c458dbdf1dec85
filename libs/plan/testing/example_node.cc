#include "libs/plan/testing/example_node.h"

#include <sys/resource.h>

#include <cstdlib>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/task/parse_task_spec.h"

namespace cloister::plan {
namespace {

using node::HostPath;
using Kind = HostPath::Kind;

HostPath Directory(const std::string& path) { return {path, Kind::kDirectory, false, path}; }
HostPath File(const std::string& path) { return {path, Kind::kFile, false, path}; }
HostPath Link(const std::string& path, const std::string& resolved) {
  return {path, Kind::kDirectory, true, resolved};
}

node::CgroupFacts ExampleCgroups(node::CgroupLayout layout) {
  node::CgroupFacts facts;
  facts.layout = layout;
  facts.swap_limit = true;
  switch (layout) {
    case node::CgroupLayout::kNone:
      break;
    case node::CgroupLayout::kV1:
      facts.hierarchies = {{"/sys/fs/cgroup/cpu,cpuacct", false, {"cpu", "cpuacct"}, true, ""},
                           {"/sys/fs/cgroup/memory", false, {"memory"}, true, ""},
                           {"/sys/fs/cgroup/pids", false, {"pids"}, true, ""}};
      break;
    case node::CgroupLayout::kV2:
      facts.hierarchies = {
          {"/sys/fs/cgroup", true, {"cpu", "cpuset", "io", "memory", "pids"}, true, ""}};
      break;
    case node::CgroupLayout::kHybrid:
      facts.hierarchies = {{"/sys/fs/cgroup/cpu", false, {"cpu"}, true, ""},
                           {"/sys/fs/cgroup/cpuacct", false, {"cpuacct"}, true, ""},
                           {"/sys/fs/cgroup/memory", false, {"memory"}, true, ""},
                           {"/sys/fs/cgroup/pids", false, {"pids"}, true, ""},
                           {"/sys/fs/cgroup/unified", true, {}, true, ""}};
      break;
  }
  return facts;
}

node::NodeFacts FactsWithSources(node::CgroupLayout layout, std::vector<HostPath> sources) {
  node::NodeFacts facts;
  facts.kernel_release = "6.1.0-28-amd64";
  facts.boot_id = "0b7a2c9e-5d3f-4a61-8a57-b3c5ce3dc3f1";
  facts.hostname = "n1";
  facts.memory_bytes = uint64_t{8} << 30;
  facts.cpus = 2;
  facts.cgroups = ExampleCgroups(layout);
  facts.capabilities = capability::CapabilitySet::UpTo(40);
  facts.chroot_sources = std::move(sources);
  facts.mask_targets = {Directory("/proc/bus"),
                        Directory("/proc/fs"),
                        Directory("/proc/irq"),
                        Directory("/proc/sys"),
                        File("/proc/sysrq-trigger"),
                        Directory("/proc/acpi"),
                        {"/proc/asound"},
                        File("/proc/interrupts"),
                        File("/proc/kcore"),
                        File("/proc/keys"),
                        {"/proc/latency_stats"},
                        {"/proc/sched_debug"},
                        Directory("/proc/scsi"),
                        File("/proc/timer_list"),
                        {"/proc/timer_stats"},
                        {"/sys/devices/virtual/powercap"},
                        Directory("/sys/firmware")};
  facts.etc_files = {File("/etc/hosts"), File("/etc/hostname"), File("/etc/resolv.conf")};
  facts.hosts_text = "127.0.0.1 localhost\n10.1.2.3 db\n";
  facts.resolv_conf_text = "nameserver 10.0.0.53\n";
  facts.device_filter = node::DeviceFilter::kBpf;
  facts.landlock_abi = 6;
  facts.tmpfs_noswap = true;
  facts.hard_limits.fill(RLIM_INFINITY);
  facts.hard_limits[RLIMIT_NOFILE] = 1 << 20;
  facts.hard_limits[RLIMIT_NPROC] = 31000;
  facts.hard_limits[RLIMIT_SIGPENDING] = 31000;
  facts.hard_limits[RLIMIT_NICE] = 0;
  facts.hard_limits[RLIMIT_RTPRIO] = 0;
  return facts;
}

}  // namespace

node::NodeFacts ExampleFacts(node::CgroupLayout layout) {
  return FactsWithSources(layout, {Link("/bin", "/usr/bin"),
                                   Directory("/etc"),
                                   Link("/lib", "/usr/lib"),
                                   {"/lib32"},
                                   Link("/lib64", "/usr/lib64"),
                                   {"/run/resolvconf"},
                                   Directory("/run/systemd/resolve"),
                                   Link("/sbin", "/usr/sbin"),
                                   Directory("/usr")});
}

node::NodeFacts ExampleFactsWithoutMergedUsr(node::CgroupLayout layout) {
  return FactsWithSources(layout, {Directory("/bin"),
                                   Directory("/etc"),
                                   Directory("/lib"),
                                   {"/lib32"},
                                   Directory("/lib64"),
                                   {"/run/resolvconf"},
                                   {"/run/systemd/resolve"},
                                   Directory("/sbin"),
                                   Directory("/usr")});
}

node::NodeFacts ExampleFactsWithoutRoot(node::UserNamespace::Kind kind) {
  node::NodeFacts facts = ExampleFacts(node::CgroupLayout::kV2);
  const uint32_t last = kind == node::UserNamespace::Kind::kRange ? 65536 : 0;
  facts.user_namespace.kind = kind;
  facts.user_namespace.user_name = "alice";
  facts.user_namespace.uid = 1000;
  facts.user_namespace.gid = 1000;
  facts.user_namespace.home = "/home/alice";
  facts.user_namespace.last_uid = last;
  facts.user_namespace.last_gid = last;
  facts.user_namespace.why_no_limits = "the executor has no cgroup of its own";
  return facts;
}

task::ResolvedUser ExampleAlice() {
  task::ResolvedUser user;
  user.name = "alice";
  user.uid = 1000;
  user.gid = 1000;
  user.home = "/home/alice";
  user.gid_from_passwd = true;
  return user;
}

task::ResolvedUser ExampleNobody() {
  task::ResolvedUser user;
  user.name = "nobody";
  user.uid = 65534;
  user.gid = 65534;
  user.home = "/nonexistent";
  user.gid_from_passwd = true;
  return user;
}

task::ResolvedUser ExampleRoot() {
  task::ResolvedUser user;
  user.name = "root";
  user.home = "/root";
  user.gid_from_passwd = true;
  return user;
}

v1::TaskConfig ExampleConfig(absl::string_view text) {
  v1::TaskConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(text), &config)) << text;
  return config;
}

task::TaskSpec ExampleSpec(absl::string_view text) {
  absl::StatusOr<task::TaskSpec> spec = task::ParseTaskSpec(ExampleConfig(text));
  EXPECT_TRUE(spec.ok()) << spec.status();
  if (!spec.ok()) std::abort();
  return *std::move(spec);
}

}  // namespace cloister::plan
