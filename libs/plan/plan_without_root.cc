#include "libs/plan/plan_without_root.h"

#include <linux/capability.h>
#include <sched.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_macros.h"
#include "libs/capability/names.h"

namespace cloister::plan {
namespace {

using capability::CapabilitySet;
using internal::Mount;
using Kind = node::UserNamespace::Kind;

constexpr uint32_t kTtyGid = 5;

// What the kernel looks for in the namespace that a file, a process or an ipc object belongs to.
// The others it looks for in the node's, or in that of the network, which is the node's: held here
// they are good for nothing. sys_admin would be, for undoing the root's mounts.
constexpr CapabilitySet kOwn = {CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
                                CAP_FSETID,  CAP_KILL,         CAP_SETGID,          CAP_SETUID,
                                CAP_SETPCAP, CAP_IPC_OWNER,    CAP_SYS_CHROOT,      CAP_SYS_PTRACE,
                                CAP_SETFCAP};

absl::Status NeedsRoot(absl::string_view sentence) {
  return WithReason(absl::FailedPreconditionError(sentence), "NEEDS_ROOT");
}

absl::Status NotMapped(absl::string_view sentence) {
  return WithReason(absl::PermissionDeniedError(sentence), "USER_NOT_MAPPED");
}

absl::Status CheckUser(const task::ResolvedUser& user, const node::UserNamespace& space) {
  if (space.kind == Kind::kOneId) {
    if (user.uid == space.uid && user.gid == space.gid) return absl::OkStatus();
    return NotMapped(absl::StrCat(
        "running as user '", user.name, "' (uid ", user.uid, ", gid ", user.gid,
        ") needs root, or a range of ids in /etc/subuid and /etc/subgid: the executor of this node "
        "has neither, so its tasks run as '",
        space.user_name, "' (uid ", space.uid, ", gid ", space.gid, "), who started it"));
  }
  if (user.uid == 0) {
    return NotMapped(absl::StrCat("uid 0 of this node's user namespace is '", space.user_name,
                                  "', who started its executor: no task runs as that"));
  }
  if (user.uid > space.last_uid) {
    return NotMapped(absl::StrCat("uid ", user.uid, " (user '", user.name,
                                  "') is not mapped on this node, which runs without root and has "
                                  "uids up to ",
                                  space.last_uid, " (/etc/subuid)"));
  }
  std::vector<uint32_t> gids = user.groups;
  gids.push_back(user.gid);
  const uint32_t highest = *std::max_element(gids.begin(), gids.end());
  if (highest <= space.last_gid) return absl::OkStatus();
  return NotMapped(absl::StrCat("gid ", highest, " (user '", user.name,
                                "') is not mapped on this node, which runs without root and has "
                                "gids up to ",
                                space.last_gid, " (/etc/subgid)"));
}

absl::Status CheckCapabilities(const task::TaskSpec& spec, const node::UserNamespace& space) {
  const bool one_id = space.kind == Kind::kOneId;
  const CapabilitySet refused = spec.cap_add().named - (one_id ? CapabilitySet() : kOwn);
  const bool refuses = !refused.empty() || (one_id && !spec.cap_add().empty());
  if (!refuses) return absl::OkStatus();
  return NeedsRoot(absl::StrCat(
      "cap_add: ", refused.empty() ? "all" : JoinedNames(refused),
      one_id ? " needs root: the executor of this node runs without, and its tasks hold no "
               "capabilities"
             : " needs root: the executor of this node runs without, and what it is a right over "
               "(the network, devices, mounts, the kernel) is not its own"));
}

absl::Status CheckVolumes(const task::TaskSpec& spec) {
  for (const task::VolumeMount& mount : spec.volume_mounts()) {
    if (mount.propagation != task::Propagation::kBidirectional) continue;
    return NeedsRoot(
        absl::StrCat("volume '", mount.source,
                     "': propagation_mode \"bidirectional\" needs root: the executor "
                     "of this node runs without, and its mounts do not reach the node"));
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const task::TaskSpec& spec, const node::UserNamespace& space) {
  if (space.why_no_limits.empty() || spec.asked_limits().empty()) return absl::OkStatus();
  return WithReason(absl::FailedPreconditionError(absl::StrCat(
                        absl::StrJoin(spec.asked_limits(), ", "),
                        spec.asked_limits().size() == 1 ? " is" : " are",
                        " asked for, and this node has no limits: ", space.why_no_limits)),
                    "CGROUPS_UNAVAILABLE");
}

void AdaptCapabilities(CapabilitySet usable, internal::Capabilities* capabilities) {
  capabilities->set_bounding(capabilities->bounding() & usable.bits());
  capabilities->set_permitted(capabilities->permitted() & usable.bits());
  capabilities->set_effective(capabilities->effective() & usable.bits());
  capabilities->set_inheritable(capabilities->inheritable() & usable.bits());
  capabilities->set_ambient(capabilities->ambient() & usable.bits());
}

void AdaptMounts(const node::UserNamespace& space, internal::LaunchPlan* plan) {
  const bool own_ipc = (plan->namespaces() & CLONE_NEWIPC) != 0;
  auto& mounts = *plan->mutable_mounts();
  for (auto mount = mounts.begin(); mount != mounts.end();) {
    // Queues belong to the ipc namespace; without one of its own they would be the node's to mount.
    if (mount->kind() == Mount::KIND_MQUEUE && !own_ipc) {
      mount = mounts.erase(mount);
      continue;
    }
    if (mount->kind() == Mount::KIND_DEVPTS && space.last_gid < kTtyGid) {
      mount->set_without_tty_gid(true);
    }
    // The kernel lets nobody but the node's root keep memory from being swapped.
    mount->set_noswap(false);
    ++mount;
  }
}

}  // namespace

absl::Status CheckWithoutRoot(const task::TaskSpec& spec, const task::ResolvedUser& user,
                              bool own_ids, const node::NodeFacts& facts) {
  const node::UserNamespace& space = facts.user_namespace;
  if (space.kind == Kind::kNone) return absl::OkStatus();
  if (!own_ids) CLOISTER_RETURN_IF_ERROR(CheckUser(user, space));
  CLOISTER_RETURN_IF_ERROR(CheckCapabilities(spec, space));
  if (spec.pid_mode() == task::NamespaceMode::kHost) {
    return NeedsRoot(
        "pid_mode \"host\" needs root: the executor of this node runs without, and cannot mount "
        "the "
        "/proc of the node's processes");
  }
  CLOISTER_RETURN_IF_ERROR(CheckVolumes(spec));
  if (!spec.devices().empty()) {
    return NeedsRoot(
        "devices need root: the executor of this node runs without, and has only the standard "
        "ones");
  }
  if (spec.oom_score_adj() != 0 && spec.oom_score_adj() < space.oom_score_adj) {
    return NeedsRoot(absl::StrCat("oom_score_adj ", spec.oom_score_adj(),
                                  " needs root: the executor of this node runs without, at ",
                                  space.oom_score_adj, ", and its tasks cannot have less"));
  }
  return CheckLimits(spec, space);
}

void AdaptToUserNamespace(const node::NodeFacts& facts, internal::LaunchPlan* plan) {
  const node::UserNamespace& space = facts.user_namespace;
  if (space.kind == Kind::kNone) return;
  const bool one_id = space.kind == Kind::kOneId;
  if (one_id) {
    // uid 0 of the executor's namespace is the user who started it. The task sees the uid that it
    // has outside, and is in a namespace that owns nothing.
    internal::Identity::UserNamespace* own = plan->mutable_identity()->mutable_user_namespace();
    own->set_outside_uid(0);
    own->set_outside_gid(0);
    plan->mutable_identity()->clear_groups();
    plan->set_namespaces(plan->namespaces() | CLONE_NEWUSER);
  }
  AdaptCapabilities(one_id ? CapabilitySet() : kOwn, plan->mutable_capabilities());
  AdaptMounts(space, plan);
  plan->mutable_root()->set_without_root(true);
  plan->set_oom_score_adj(std::max(plan->oom_score_adj(), space.oom_score_adj));
  for (const std::string& sentence : UnavailableWithoutRoot(facts)) {
    plan->add_unavailable(sentence);
  }
}

std::vector<std::string> UnavailableWithoutRoot(const node::NodeFacts& facts) {
  const node::UserNamespace& space = facts.user_namespace;
  std::vector<std::string> sentences;
  if (space.kind == Kind::kNone) return sentences;
  if (!space.why_no_limits.empty()) {
    sentences.push_back(
        absl::StrCat("no limits of memory, cpu and processes: ", space.why_no_limits));
  }
  if (space.kind == Kind::kOneId) {
    sentences.push_back(absl::StrCat("no user of its own: all tasks are '", space.user_name,
                                     "' to the node, and so is the executor"));
    sentences.push_back("no capabilities, not even to ask for");
  } else {
    sentences.push_back(absl::StrCat("no capabilities but ", JoinedNames(kOwn), " to ask for"));
  }
  if (space.kept_groups > 0) {
    sentences.push_back(absl::StrCat(space.kept_groups, " further groups of '", space.user_name,
                                     "' stay: without root they cannot be given up"));
  }
  sentences.push_back("no sysfs of its own: /sys is the node's, read-only");
  return sentences;
}

}  // namespace cloister::plan
