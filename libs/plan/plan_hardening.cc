#include "libs/plan/plan_hardening.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error_reason.h"
#include "libs/seccomp/profile.h"

namespace cloister::plan {
namespace {

using internal::LaunchPlan;
using internal::Mount;

// Of linux/landlock.h, which is of Linux 6.1 on Debian 12: versions 3, 5 and 6 of the interface.
constexpr uint64_t kAccessTruncate = uint64_t{1} << 14;
constexpr uint64_t kAccessIoctlDevice = uint64_t{1} << 15;
constexpr uint64_t kScopeAbstractSocket = uint64_t{1} << 0;
constexpr uint64_t kScopeSignal = uint64_t{1} << 1;

// Before the second, a file could not be moved to another directory at all.
constexpr int kFirstVersion = 2;
constexpr int kTruncateVersion = 3;
constexpr int kIoctlVersion = 5;
constexpr int kScopeVersion = 6;

constexpr uint64_t kRead =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kMakeDevice = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;
constexpr uint64_t kChange = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                             LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                             LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |
                             LANDLOCK_ACCESS_FS_REFER | kAccessTruncate;
constexpr uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | kAccessTruncate;

bool Has(uint64_t capabilities, int capability) { return (capabilities >> capability & 1) != 0; }

absl::Status Denied(absl::string_view reason, absl::string_view attribute, absl::string_view key) {
  return WithReason(absl::PermissionDeniedError(absl::StrCat(
                        attribute, " is not allowed on this node (its policy has no ", key, ")")),
                    reason);
}

uint64_t Handled(int version) {
  uint64_t access = kRead | kChange | kMakeDevice;
  if (version < kTruncateVersion) access &= ~kAccessTruncate;
  if (version >= kIoctlVersion) access |= kAccessIoctlDevice;
  return access;
}

bool IsWritable(const Mount& mount) {
  if (mount.read_only()) return false;
  return mount.kind() == Mount::KIND_TMPFS || mount.kind() == Mount::KIND_MQUEUE ||
         mount.kind() == Mount::KIND_TASK_DIRECTORY || mount.kind() == Mount::KIND_HOST_DIRECTORY;
}

// What the root shows can be read and run; written where the task's own mounts are, and what the
// kernel shows as files. All else, whatever way leads there, is beneath none of them.
void AddRules(const LaunchPlan& plan, internal::Landlock* landlock) {
  const auto add = [landlock](const std::string& inside, uint64_t access) {
    internal::Landlock::Rule* rule = landlock->add_rules();
    rule->set_inside(inside);
    rule->set_access(access & landlock->handled_access());
    return rule;
  };
  add("/", plan.root().overlay_bytes() > 0 ? kRead | kChange : kRead);
  add("/dev", kWrite | kAccessIoctlDevice);
  add("/proc", kWrite);
  uint64_t own = kChange;
  if (Has(plan.capabilities().permitted(), CAP_MKNOD)) own |= kMakeDevice;
  for (const Mount& mount : plan.mounts()) {
    if (!IsWritable(mount)) continue;
    // mq_open(3) opens a queue in a mount of the kernel's own, from which no way leads up to "/"
    // and its rule.
    const uint64_t read = mount.kind() == Mount::KIND_MQUEUE ? LANDLOCK_ACCESS_FS_READ_FILE : 0;
    add(mount.inside(), own | read)
        ->set_chosen(mount.kind() == Mount::KIND_HOST_DIRECTORY || mount.chosen());
  }
}

void PlanLandlock(const task::TaskSpec& spec, const node::NodeFacts& facts, LaunchPlan* plan) {
  internal::Landlock* landlock = plan->mutable_landlock();
  if (!spec.landlock()) {
    landlock->add_gaps("no Landlock: the task switches it off (landlock = false)");
    return;
  }
  if (facts.landlock_abi < kFirstVersion) {
    landlock->add_gaps(
        "no Landlock: this node's kernel has none, or 'landlock' is not in its lsm= list");
    return;
  }
  landlock->set_abi(static_cast<uint32_t>(facts.landlock_abi));
  if (Has(plan->capabilities().bounding(), CAP_SYS_ADMIN)) {
    landlock->add_gaps("Landlock does not confine files: the task can hold sys_admin, to mount");
  } else {
    landlock->set_handled_access(Handled(facts.landlock_abi));
    AddRules(*plan, landlock);
  }
  if (facts.landlock_abi >= kScopeVersion) {
    landlock->set_scoped(kScopeAbstractSocket | kScopeSignal);
  } else {
    landlock->add_gaps(
        absl::StrCat("Landlock does not confine signals and abstract sockets: this "
                     "node's kernel has version ",
                     facts.landlock_abi, ", it takes 6 (Linux 6.12)"));
  }
}

void PlanSeccomp(const task::TaskSpec& spec, LaunchPlan* plan) {
  if (spec.seccomp_unconfined()) return;
  plan->set_seccomp(LaunchPlan::SECCOMP_PROGRAM);
  internal::SeccompFilter* filter = plan->mutable_seccomp_filter();
  filter->set_capabilities(plan->capabilities().bounding() & seccomp::CapabilitiesThatCount());
  filter->set_host_pids((plan->namespaces() & CLONE_NEWPID) == 0);
  filter->set_profile(seccomp::kDefaultProfile);
  filter->set_hash(seccomp::DefaultProfileHash(filter->capabilities(), filter->host_pids()));
}

}  // namespace

absl::Status CheckSwitches(const task::TaskSpec& spec, const node::NodePolicy& policy) {
  if (spec.seccomp_unconfined() && !policy.allow_unconfined_seccomp) {
    return Denied("SECCOMP_REQUIRED", "seccomp \"unconfined\"", "allow_unconfined_seccomp");
  }
  if (!spec.landlock() && !policy.allow_without_landlock) {
    return Denied("LANDLOCK_REQUIRED", "landlock false", "allow_without_landlock");
  }
  if (!spec.no_new_privs() && !policy.allow_new_privs) {
    return Denied("NO_NEW_PRIVS_REQUIRED", "no_new_privs false", "allow_new_privs");
  }
  if (!spec.masked_paths() && !policy.allow_unmasked_paths) {
    return Denied("MASKED_PATHS_REQUIRED", "masked_paths false", "allow_unmasked_paths");
  }
  return absl::OkStatus();
}

void PlanHardening(const task::TaskSpec& spec, const node::NodeFacts& facts, LaunchPlan* plan) {
  plan->set_no_new_privs(spec.no_new_privs());
  PlanSeccomp(spec, plan);
  PlanLandlock(spec, facts, plan);
}

}  // namespace cloister::plan
