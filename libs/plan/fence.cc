#include "libs/plan/fence.h"

#include <sched.h>

#include "absl/strings/str_cat.h"
#include "libs/capability/names.h"
#include "libs/plan/plan_devices.h"

namespace cloister::plan {
namespace {

using internal::Mount;

struct Namespace {
  uint64_t bit;
  const char* name;
};

constexpr Namespace kNamespaces[] = {{CLONE_NEWPID, "pid"},       {CLONE_NEWIPC, "ipc"},
                                     {CLONE_NEWNS, "mount"},      {CLONE_NEWUTS, "uts"},
                                     {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWNET, "network"},
                                     {CLONE_NEWUSER, "user"}};

void AddNames(uint64_t bits, google::protobuf::RepeatedPtrField<std::string>* names) {
  for (const std::string& name : SortedNames(capability::CapabilitySet::FromBits(bits))) {
    *names->Add() = name;
  }
}

// Where files, or queues, can be made. /proc and /dev/pts hold only what the kernel puts there.
bool IsForFiles(const Mount& mount) {
  return mount.kind() == Mount::KIND_TMPFS || mount.kind() == Mount::KIND_MQUEUE ||
         mount.kind() == Mount::KIND_TASK_DIRECTORY || mount.kind() == Mount::KIND_HOST_DIRECTORY;
}

void AddHardening(const internal::LaunchPlan& plan, v1::Fence* fence) {
  const bool filtered = plan.has_seccomp_filter();
  fence->set_seccomp_profile(filtered ? plan.seccomp_filter().profile() : "unconfined");
  fence->set_seccomp_hash(plan.seccomp_filter().hash());
  if (!filtered) fence->add_gaps("no seccomp: the task switches it off (seccomp = \"unconfined\")");
  v1::Fence::Landlock* landlock = fence->mutable_landlock();
  landlock->set_abi(plan.landlock().abi());
  landlock->set_files(plan.landlock().handled_access() != 0);
  constexpr uint64_t kAbstractSocket = 1 << 0;  // LANDLOCK_SCOPE_*
  constexpr uint64_t kSignal = 1 << 1;
  landlock->set_abstract_sockets((plan.landlock().scoped() & kAbstractSocket) != 0);
  landlock->set_signals((plan.landlock().scoped() & kSignal) != 0);
  for (const std::string& gap : plan.landlock().gaps()) fence->add_gaps(gap);
  if (!plan.no_new_privs()) {
    fence->add_gaps("no_new_privs is off: the task switches it off (no_new_privs = false)");
  }
  for (const internal::Mask& mask : plan.masks()) {
    const bool read_only = mask.kind() == internal::Mask::KIND_READ_ONLY;
    *(read_only ? fence->add_locked_paths() : fence->add_hidden_paths()) = mask.inside();
  }
  for (const std::string& path : plan.root().masked_sys_directories()) {
    fence->add_hidden_paths(path);
  }
  if (fence->hidden_paths().empty()) {
    fence->add_gaps("nothing of /proc and /sys is hidden (masked_paths = false)");
  }
}

}  // namespace

std::string CgroupWords(const internal::CgroupPlan& cgroup) {
  bool v1 = false;
  bool v2 = false;
  for (const auto& hierarchy : cgroup.hierarchies()) (hierarchy.unified() ? v2 : v1) = true;
  if (v1 && v2) return "hybrid";
  return v1 ? "v1" : v2 ? "v2" : "none";
}

v1::Fence MakeFence(const internal::LaunchPlan& plan) {
  v1::Fence fence;
  fence.set_uid(plan.identity().uid());
  fence.set_gid(plan.identity().gid());
  *fence.mutable_groups() = plan.identity().groups();
  fence.set_first_user_id(plan.identity().user_namespace().first());
  fence.set_user_ids(plan.identity().user_namespace().count());
  for (const Namespace& space : kNamespaces) {
    if ((plan.namespaces() & space.bit) != 0) fence.add_namespaces(space.name);
  }
  AddNames(plan.capabilities().bounding(), fence.mutable_bounding_capabilities());
  AddNames(plan.capabilities().effective(), fence.mutable_effective_capabilities());
  fence.set_no_new_privs(plan.no_new_privs());
  AddHardening(plan, &fence);
  fence.set_cgroups(CgroupWords(plan.cgroup()));
  fence.set_memory_limit_bytes(plan.cgroup().granted().memory_bytes());
  fence.set_pids_limit(plan.cgroup().granted().pids());
  fence.set_cpu_weight_shares(plan.cgroup().granted().cpu_shares());
  fence.set_device_filter(DeviceFilterWords(plan.devices()));
  for (const std::string& device : DeviceWords(plan)) fence.add_devices(device);
  fence.set_hostname(plan.hostname());
  fence.set_oom_score_adj(plan.oom_score_adj());
  for (const internal::GeneratedFile& file : plan.files()) fence.add_read_only_paths(file.inside());
  const bool overlay = plan.root().overlay_bytes() > 0;
  if (overlay) fence.add_writable_paths("/");
  for (const auto& bind : plan.root().binds()) {
    if (!overlay || bind.file()) fence.add_read_only_paths(bind.inside());
  }
  for (const Mount& mount : plan.mounts()) {
    if (!IsForFiles(mount)) continue;
    for (const Mount::Part& part : mount.parts()) {
      if (!part.owned()) continue;
      const std::string path = absl::StrCat(mount.inside(), "/", part.name());
      if (mount.read_only()) {
        fence.add_read_only_paths(path);
      } else {
        fence.add_writable_paths(path);
      }
    }
    if (!mount.parts().empty()) continue;
    if (mount.read_only()) {
      fence.add_read_only_paths(mount.inside());
    } else {
      fence.add_writable_paths(mount.inside());
    }
  }
  *fence.mutable_unavailable() = plan.unavailable();
  return fence;
}

}  // namespace cloister::plan
