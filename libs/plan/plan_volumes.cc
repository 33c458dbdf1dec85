#include "libs/plan/plan_volumes.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"
#include "libs/plan/mount_place.h"

namespace cloister::plan {
namespace {

using internal::Mount;
using node::HostPath;
using node::HostVolume;
using node::VolumePropagation;

const HostVolume* FindVolume(const node::NodePolicy& policy, const std::string& name) {
  for (const HostVolume& volume : policy.host_volumes) {
    if (volume.name == name) return &volume;
  }
  return nullptr;
}

absl::Status Unavailable(absl::string_view sentence) {
  return WithReason(absl::FailedPreconditionError(sentence), "HOST_VOLUME_UNAVAILABLE");
}

// Of where links lead to, which the text of a path does not show (CVE-2020-28348).
bool IsAllowedSource(const std::string& resolved, const node::NodePolicy& policy) {
  if (policy.allowed_mount_sources.empty()) return true;
  for (const std::string& allowed : policy.allowed_mount_sources) {
    if (IsBeneath(resolved, allowed)) return true;
  }
  return false;
}

absl::StatusOr<const HostPath*> FindSource(const HostVolume& volume, const node::NodeFacts& facts,
                                           const node::NodePolicy& policy) {
  for (const HostPath& source : facts.volume_sources) {
    if (source.path != volume.path) continue;
    const std::string what = absl::StrCat("host volume '", volume.name, "': '", volume.path, "'");
    if (source.kind != HostPath::Kind::kDirectory) {
      return Unavailable(absl::StrCat(
          what, source.exists() ? " is not a directory" : " is not there", " on this node"));
    }
    if (!IsAllowedSource(source.resolved, policy)) {
      return Unavailable(absl::StrCat(what, " leads to '", source.resolved,
                                      "', which lies in none of allowed_mount_sources"));
    }
    const std::string ours = PrivateDirectoryAt(source.resolved, policy);
    if (!ours.empty()) {
      return Unavailable(absl::StrCat(what, " would show '", ours, "' to tasks"));
    }
    return &source;
  }
  return absl::InternalError(absl::StrCat("'", volume.path, "' was not looked for on this node"));
}

absl::StatusOr<Mount::Propagation> PropagationOf(const task::VolumeMount& asked,
                                                 const HostVolume& volume) {
  Mount::Propagation propagation = Mount::PROPAGATION_PRIVATE;
  VolumePropagation needed = VolumePropagation::kPrivate;
  if (asked.propagation == task::Propagation::kHostToTask) {
    propagation = Mount::PROPAGATION_SLAVE;
    needed = VolumePropagation::kHostToTask;
  } else if (asked.propagation == task::Propagation::kBidirectional) {
    propagation = Mount::PROPAGATION_SHARED;
    needed = VolumePropagation::kBidirectional;
  }
  const bool too_much = needed > volume.propagation ||
                        (volume.read_only && needed == VolumePropagation::kBidirectional);
  if (!too_much) return propagation;
  return WithReason(
      absl::PermissionDeniedError(absl::StrCat(
          "host volume '", volume.name, "' may not be mounted with propagation_mode \"",
          needed == VolumePropagation::kBidirectional ? "bidirectional" : "host-to-task",
          "\" on this node")),
      "PROPAGATION_NOT_ALLOWED");
}

absl::StatusOr<Mount> PlanVolume(const task::VolumeMount& asked, const HostVolume& volume,
                                 const node::NodeFacts& facts, const node::NodePolicy& policy) {
  CLOISTER_ASSIGN_OR_RETURN(const HostPath* source, FindSource(volume, facts, policy));
  Mount mount;
  mount.set_kind(Mount::KIND_HOST_DIRECTORY);
  mount.set_inside(asked.destination);
  // What links led to when the node was looked at, and that very directory: what somebody puts in
  // its place later is not mounted.
  mount.set_outside(source->resolved);
  mount.set_device(source->device);
  mount.set_inode(source->inode);
  mount.set_read_only(asked.read_only || volume.read_only);
  CLOISTER_ASSIGN_OR_RETURN(const Mount::Propagation propagation, PropagationOf(asked, volume));
  mount.set_propagation(propagation);
  mount.set_volume(volume.name);
  mount.set_mount_point(MountPointOf(asked.destination));
  return mount;
}

std::string NamesOf(const node::NodePolicy& policy) {
  if (policy.host_volumes.empty()) return "it has none";
  return absl::StrCat("it has ", absl::StrJoin(policy.host_volumes, ", ",
                                               [](std::string* out, const HostVolume& volume) {
                                                 absl::StrAppend(out, volume.name);
                                               }));
}

}  // namespace

absl::StatusOr<std::vector<Mount>> PlanVolumes(const task::TaskSpec& spec,
                                               const node::NodeFacts& facts,
                                               const node::NodePolicy& policy,
                                               internal::RootTemplate* root) {
  std::vector<FieldViolation> violations;
  std::vector<Mount> mounts;
  absl::Status refused;
  for (size_t i = 0; i < spec.volume_mounts().size(); ++i) {
    const task::VolumeMount& asked = spec.volume_mounts()[i];
    const std::string field = absl::StrCat("volume_mounts[", i, "]");
    MakePlace(absl::StrCat(field, ".destination"), asked.destination, root, &violations);
    const HostVolume* volume = FindVolume(policy, asked.source);
    if (volume == nullptr) {
      violations.push_back(
          {absl::StrCat(field, ".volume"),
           absl::StrCat("this node has no host volume '", asked.source, "': ", NamesOf(policy))});
      continue;
    }
    absl::StatusOr<Mount> mount = PlanVolume(asked, *volume, facts, policy);
    if (!mount.ok()) {
      refused.Update(mount.status());
      continue;
    }
    mounts.push_back(*std::move(mount));
  }
  CLOISTER_RETURN_IF_ERROR(InvalidArgument(violations));
  CLOISTER_RETURN_IF_ERROR(refused);
  return mounts;
}

}  // namespace cloister::plan
