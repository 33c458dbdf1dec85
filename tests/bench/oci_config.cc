#include "tests/bench/oci_config.h"

#include <sched.h>

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/capability/capability_set.h"
#include "libs/capability/names.h"
#include "libs/plan/plan_rlimits.h"
#include "tests/bench/json_text.h"

namespace cloister::bench {
namespace {

using internal::LaunchPlan;
using internal::Mask;
using internal::Mount;

std::string CapabilityNames(uint64_t bits) {
  std::vector<std::string> names;
  for (const std::string& name :
       capability::SortedNames(capability::CapabilitySet::FromBits(bits))) {
    names.push_back(absl::StrCat("CAP_", absl::AsciiStrToUpper(name)));
  }
  return JsonStrings(names);
}

std::string Process(const LaunchPlan& plan) {
  std::vector<std::string> groups;
  for (const uint32_t group : plan.identity().groups()) groups.push_back(absl::StrCat(group));
  JsonObject user;
  user.AddNumber("uid", plan.identity().uid())
      .AddNumber("gid", plan.identity().gid())
      .AddNumber("umask", plan.umask())
      .Add("additionalGids", JsonArray(groups));
  JsonObject capabilities;
  capabilities.Add("bounding", CapabilityNames(plan.capabilities().bounding()))
      .Add("effective", CapabilityNames(plan.capabilities().effective()))
      .Add("inheritable", CapabilityNames(plan.capabilities().inheritable()))
      .Add("permitted", CapabilityNames(plan.capabilities().permitted()))
      .Add("ambient", CapabilityNames(plan.capabilities().ambient()));
  std::vector<std::string> rlimits;
  for (const internal::Rlimit& limit : plan.rlimits()) {
    rlimits.push_back(
        JsonObject()
            .AddString("type", absl::StrCat("RLIMIT_", plan::RlimitName(limit.resource())))
            .AddNumber("hard", limit.hard())
            .AddNumber("soft", limit.soft())
            .ToString());
  }
  std::vector<std::string> args = {*plan.exec().candidates().rbegin()};
  args.insert(args.end(), plan.exec().args().begin(), plan.exec().args().end());
  return JsonObject()
      .AddBool("terminal", false)
      .Add("user", user.ToString())
      .Add("args", JsonStrings(args))
      .Add("env", JsonStrings({plan.exec().env().begin(), plan.exec().env().end()}))
      .AddString("cwd", plan.exec().work_dir())
      .Add("capabilities", capabilities.ToString())
      .Add("rlimits", JsonArray(rlimits))
      .AddBool("noNewPrivileges", plan.no_new_privs())
      .ToString();
}

std::string MountEntry(absl::string_view type, absl::string_view source,
                       absl::string_view destination, const std::vector<std::string>& options) {
  return JsonObject()
      .AddString("destination", destination)
      .AddString("type", type)
      .AddString("source", source)
      .Add("options", JsonStrings(options))
      .ToString();
}

std::string TaskMount(const Mount& mount, const OciPlaces& places) {
  const std::string& inside = mount.inside();
  switch (mount.kind()) {
    case Mount::KIND_DEVPTS:
      return MountEntry("devpts", "devpts", inside,
                        {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"});
    case Mount::KIND_TMPFS:
      return MountEntry("tmpfs", "tmpfs", inside,
                        {"nosuid", "nodev", "noexec", absl::StrFormat("mode=%o", mount.mode()),
                         absl::StrCat("size=", mount.size_bytes())});
    case Mount::KIND_MQUEUE:
      return MountEntry("mqueue", "mqueue", inside, {"nosuid", "nodev", "noexec"});
    case Mount::KIND_TASK_DIRECTORY:
      return MountEntry("bind", absl::StrCat(places.task_directory, "/", mount.source()), inside,
                        {"bind", "nosuid", "nodev", mount.read_only() ? "ro" : "rw"});
    default:
      return MountEntry("proc", "proc", inside, {"nosuid", "nodev", "noexec"});
  }
}

std::string Mounts(const LaunchPlan& plan, const OciPlaces& places) {
  // The order of the template: /dev and /sys before what may lie in them.
  std::vector<std::string> mounts = {
      MountEntry("tmpfs", "tmpfs", "/dev", {"nosuid", "noexec", "mode=755", "size=64k", "ro"}),
      MountEntry("sysfs", "sysfs", "/sys", {"nosuid", "nodev", "noexec", "ro"})};
  for (const auto& bind : plan.root().binds()) {
    mounts.push_back(MountEntry("bind", bind.outside(), bind.inside(),
                                {"rbind", "ro", "nosuid", "nodev", "private"}));
  }
  for (const Mount& mount : plan.mounts()) mounts.push_back(TaskMount(mount, places));
  return JsonArray(mounts);
}

std::string Namespaces(uint64_t bits) {
  constexpr struct {
    uint64_t bit;
    const char* name;
  } kNames[] = {{CLONE_NEWPID, "pid"},  {CLONE_NEWNS, "mount"},    {CLONE_NEWIPC, "ipc"},
                {CLONE_NEWUTS, "uts"},  {CLONE_NEWNET, "network"}, {CLONE_NEWCGROUP, "cgroup"},
                {CLONE_NEWUSER, "user"}};
  std::vector<std::string> namespaces;
  for (const auto& name : kNames) {
    if ((bits & name.bit) == 0) continue;
    namespaces.push_back(JsonObject().AddString("type", name.name).ToString());
  }
  return JsonArray(namespaces);
}

bool LimitsSwap(const internal::CgroupPlan& cgroup) {
  for (const auto& hierarchy : cgroup.hierarchies()) {
    for (const auto& write : hierarchy.limits()) {
      if (absl::StrContains(write.file(), "memsw") || absl::StrContains(write.file(), "swap")) {
        return true;
      }
    }
  }
  return false;
}

std::string Resources(const internal::CgroupPlan& cgroup) {
  if (cgroup.hierarchies().empty()) return "{}";
  JsonObject memory;
  memory.AddNumber("limit", cgroup.granted().memory_bytes());
  // Memory and swap together, as in cgroup v1.
  if (LimitsSwap(cgroup)) memory.AddNumber("swap", cgroup.granted().memory_bytes());
  return JsonObject()
      .Add("memory", memory.ToString())
      .Add("cpu", JsonObject().AddNumber("shares", cgroup.granted().cpu_shares()).ToString())
      .Add("pids", JsonObject().AddNumber("limit", cgroup.granted().pids()).ToString())
      .ToString();
}

std::string Linux(const LaunchPlan& plan, const OciPlaces& places, const PeerSeccomp& seccomp) {
  std::vector<std::string> hidden(plan.root().masked_sys_directories().begin(),
                                  plan.root().masked_sys_directories().end());
  std::vector<std::string> read_only;
  for (const Mask& mask : plan.masks()) {
    (mask.kind() == Mask::KIND_READ_ONLY ? read_only : hidden).push_back(mask.inside());
  }
  JsonObject object;
  object.Add("namespaces", Namespaces(plan.namespaces()))
      .Add("resources", Resources(plan.cgroup()))
      .AddString("cgroupsPath", places.cgroup)
      .AddString("rootfsPropagation", "private")
      .Add("maskedPaths", JsonStrings(hidden))
      .Add("readonlyPaths", JsonStrings(read_only));
  if (!seccomp.oci_json.empty()) object.Add("seccomp", seccomp.oci_json);
  return object.ToString();
}

}  // namespace

std::string MakeOciConfig(const LaunchPlan& plan, const OciPlaces& places,
                          const PeerSeccomp& seccomp) {
  return JsonObject()
      .AddString("ociVersion", "1.0.2")
      .Add("process", Process(plan))
      .Add("root", JsonObject().AddString("path", places.root).AddBool("readonly", true).ToString())
      .Add("mounts", Mounts(plan, places))
      .Add("linux", Linux(plan, places, seccomp))
      .ToString();
}

}  // namespace cloister::bench
