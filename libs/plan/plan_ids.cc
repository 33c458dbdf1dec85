#include "libs/plan/plan_ids.h"

#include <linux/capability.h>
#include <sched.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_macros.h"
#include "libs/capability/names.h"
#include "libs/node/task_id_pool.h"

namespace cloister::plan {
namespace {

using capability::CapabilitySet;
using Kind = node::UserNamespace::Kind;

// What the kernel looks for in the namespace that a file's owner, or a process, is of. The others
// it looks for in that of the node's mounts, network, ipc and host name.
constexpr CapabilitySet kOwn = {CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
                                CAP_FSETID,  CAP_KILL,         CAP_SETGID,          CAP_SETUID,
                                CAP_SETPCAP, CAP_SYS_CHROOT,   CAP_SYS_PTRACE,      CAP_SETFCAP};

absl::Status Failed(absl::string_view reason, absl::string_view sentence) {
  return WithReason(absl::FailedPreconditionError(sentence), reason);
}

// Empty: the node has ranges to give.
std::string WhyNone(const node::NodeFacts& facts, const node::NodePolicy& policy) {
  const node::TaskIdPool pool = MakeTaskIdPool(policy, facts.user_namespace);
  if (pool.HasAny()) return "";
  if (facts.user_namespace.kind == Kind::kOneId) {
    return "it takes root, or a range of ids in /etc/subuid and /etc/subgid: the executor of this "
           "node has neither";
  }
  const uint32_t last = std::min(facts.user_namespace.last_uid, facts.user_namespace.last_gid);
  return absl::StrCat(
      "it takes ", pool.per_task,
      policy.userns_count > 0 ? " ids of userns_ids" : " ids beyond the first 65536",
      ", and without root the executor of this node has ids up to ", last,
      " (/etc/subuid, /etc/subgid)");
}

absl::Status CheckUser(const task::ResolvedUser& user, const node::NodePolicy& policy) {
  std::vector<uint32_t> ids = user.groups;
  ids.push_back(user.uid);
  ids.push_back(user.gid);
  const uint32_t highest = *std::max_element(ids.begin(), ids.end());
  if (highest < policy.userns_ids_per_task) return absl::OkStatus();
  return WithReason(
      absl::PermissionDeniedError(absl::StrCat(
          "user '", user.name, "' (uid ", user.uid, ", gid ", user.gid, ") has id ", highest,
          ", and a task's own are 0 to ", policy.userns_ids_per_task - 1, " on this node")),
      "USER_NOT_MAPPED");
}

bool IsReadOnly(const task::VolumeMount& mount, const node::NodePolicy& policy) {
  const auto names_it = [&](const node::HostVolume& volume) {
    return volume.name == mount.source && volume.read_only;
  };
  return mount.read_only ||
         std::any_of(policy.host_volumes.begin(), policy.host_volumes.end(), names_it);
}

// Of the node's directories that the task mounts, one that it could write to.
std::string WritableDirectory(const task::TaskSpec& spec, const node::NodePolicy& policy) {
  for (const task::VolumeMount& mount : spec.volume_mounts()) {
    if (!IsReadOnly(mount, policy)) return absl::StrCat("volume '", mount.source, "'");
  }
  for (const task::TaskMount& mount : spec.mounts()) {
    if (mount.type != task::TaskMount::Type::kBind || mount.read_only) continue;
    return absl::StrCat("bind of '", mount.source, "'");
  }
  return "";
}

// Without root nobody maps the ids of a filesystem. As they are they do no harm to a reader, who is
// a stranger to them; but what a writer left would be the next task's that has its range.
absl::Status CheckDirectories(const task::TaskSpec& spec, const node::NodeFacts& facts,
                              const node::NodePolicy& policy) {
  if (facts.user_namespace.kind == Kind::kNone) return absl::OkStatus();
  const std::string writable = WritableDirectory(spec, policy);
  if (writable.empty()) return absl::OkStatus();
  return Failed(
      "NEEDS_ROOT",
      absl::StrCat(writable,
                   ": a directory of the node with userns \"private\" needs root, unless it is "
                   "mounted read-only: the executor of this node runs without, and cannot map the "
                   "ids of what the task would write there"));
}

void AdaptCapabilities(internal::Capabilities* capabilities) {
  capabilities->set_bounding(capabilities->bounding() & kOwn.bits());
  capabilities->set_permitted(capabilities->permitted() & kOwn.bits());
  capabilities->set_effective(capabilities->effective() & kOwn.bits());
  capabilities->set_inheritable(capabilities->inheritable() & kOwn.bits());
  capabilities->set_ambient(capabilities->ambient() & kOwn.bits());
}

// Without capabilities a task is in a volume who it would be without ids of its own. With some it
// would be everybody there, so it is its own user alone; and root only where the node lets it.
void PlanVolumeIds(const node::NodePolicy& policy, internal::LaunchPlan* plan) {
  const internal::Identity& identity = plan->identity();
  internal::Identity::UserNamespace* space = plan->mutable_identity()->mutable_user_namespace();
  if (plan->capabilities().permitted() == 0 && identity.uid() != 0) {
    space->set_all_volume_ids(true);
    return;
  }
  if (identity.uid() == 0 && !policy.allow_uid_0) return;
  space->add_volume_uids(identity.uid());
  space->add_volume_gids(identity.gid());
  for (uint32_t group : identity.groups()) space->add_volume_gids(group);
}

}  // namespace

bool HasOwnIds(const task::TaskSpec& spec, const node::NodeFacts& facts,
               const node::NodePolicy& policy) {
  if (spec.userns() == task::NamespaceMode::kHost) return false;
  if (spec.userns() == task::NamespaceMode::kPrivate) return true;
  return policy.default_userns == node::NamespaceMode::kPrivate && WhyNone(facts, policy).empty();
}

absl::Status CheckOwnIds(const task::TaskSpec& spec, const task::ResolvedUser& user,
                         const node::NodeFacts& facts, const node::NodePolicy& policy) {
  if (spec.userns() == task::NamespaceMode::kHost &&
      policy.default_userns == node::NamespaceMode::kPrivate && !policy.allow_host_userns) {
    return WithReason(
        absl::PermissionDeniedError("userns \"host\" is not allowed on this node (its "
                                    "policy has no allow_host_userns)"),
        "USERNS_REQUIRED");
  }
  if (!HasOwnIds(spec, facts, policy)) return absl::OkStatus();
  const std::string why = WhyNone(facts, policy);
  if (!why.empty()) return Failed("NEEDS_ROOT", absl::StrCat("userns \"private\": ", why));
  CLOISTER_RETURN_IF_ERROR(CheckUser(user, policy));
  const CapabilitySet useless = spec.cap_add().named - kOwn;
  if (!useless.empty()) {
    return Failed(
        "CAPABILITY_WITHOUT_USE",
        absl::StrCat("cap_add: ", JoinedNames(useless),
                     " is of no use with userns \"private\": what it is a right over (the "
                     "network, devices, mounts, the kernel) is the node's"));
  }
  return CheckDirectories(spec, facts, policy);
}

void AdaptToOwnIds(const task::TaskSpec& spec, const node::NodeFacts& facts,
                   const node::NodePolicy& policy, internal::LaunchPlan* plan) {
  const std::string unavailable = OwnIdsUnavailable(facts, policy);
  if (!unavailable.empty() && spec.userns() == task::NamespaceMode::kNodeDefault) {
    plan->add_unavailable(unavailable);
  }
  if (!HasOwnIds(spec, facts, policy)) return;
  plan->mutable_identity()->mutable_user_namespace()->set_count(policy.userns_ids_per_task);
  plan->set_namespaces(plan->namespaces() | CLONE_NEWUSER);
  AdaptCapabilities(plan->mutable_capabilities());
  if (facts.user_namespace.kind == Kind::kNone) return PlanVolumeIds(policy, plan);
  for (internal::Mount& mount : *plan->mutable_mounts()) {
    mount.set_unmapped_ids(mount.kind() == internal::Mount::KIND_HOST_DIRECTORY);
  }
}

bool NeedsIds(const internal::LaunchPlan& plan) {
  const internal::Identity::UserNamespace& space = plan.identity().user_namespace();
  return space.count() > 0 && space.first() == 0;
}

void AssignIds(uint32_t first, internal::LaunchPlan* plan) {
  internal::Identity* identity = plan->mutable_identity();
  internal::Identity::UserNamespace* space = identity->mutable_user_namespace();
  space->set_first(first);
  space->set_outside_uid(first + identity->uid());
  space->set_outside_gid(first + identity->gid());
}

std::string OwnIdsUnavailable(const node::NodeFacts& facts, const node::NodePolicy& policy) {
  if (policy.default_userns != node::NamespaceMode::kPrivate) return "";
  const std::string why = WhyNone(facts, policy);
  return why.empty() ? "" : absl::StrCat("no ids of its own (userns_default): ", why);
}

}  // namespace cloister::plan
