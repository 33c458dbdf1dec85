#include "libs/plan/plan_task_mounts.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"
#include "libs/plan/mount_place.h"

namespace cloister::plan {
namespace {

using internal::Mount;

absl::Status CheckSource(const std::string& field, const std::string& source,
                         const node::NodePolicy& policy) {
  const auto& allowed = policy.allowed_mount_sources;
  const auto holds = [&source](const std::string& dir) { return IsBeneath(source, dir); };
  std::string why;
  if (std::none_of(allowed.begin(), allowed.end(), holds)) {
    why = allowed.empty() ? "this node lets tasks bind nothing"
                          : absl::StrCat("this node lets tasks bind what lies in ",
                                         absl::StrJoin(allowed, ", "));
  } else if (const std::string ours = PrivateDirectoryAt(source, policy); !ours.empty()) {
    why = absl::StrCat("it would show '", ours, "'");
  }
  if (why.empty()) return absl::OkStatus();
  return WithReason(absl::PermissionDeniedError(absl::StrCat(field, ": '", absl::CHexEscape(source),
                                                             "' may not be bound: ", why)),
                    "MOUNT_SOURCE_NOT_ALLOWED");
}

Mount PlanMount(const task::TaskMount& asked, const node::NodePolicy& policy) {
  Mount mount;
  mount.set_inside(asked.destination);
  mount.set_read_only(asked.read_only);
  mount.set_noexec(asked.noexec);
  mount.set_mount_point(MountPointOf(asked.destination));
  if (asked.type == task::TaskMount::Type::kTmpfs) {
    mount.set_kind(Mount::KIND_TMPFS);
    mount.set_size_bytes(asked.size_bytes);
    mount.set_mode(asked.mode);
    mount.set_owned(true);
    mount.set_chosen(true);
  } else {
    mount.set_kind(Mount::KIND_HOST_DIRECTORY);
    mount.set_outside(asked.source);
    for (const std::string& ours : policy.private_directories) mount.add_forbidden(ours);
  }
  return mount;
}

}  // namespace

absl::StatusOr<std::vector<Mount>> PlanTaskMounts(const task::TaskSpec& spec,
                                                  const node::NodePolicy& policy,
                                                  internal::RootTemplate* root) {
  std::vector<FieldViolation> violations;
  std::vector<Mount> mounts;
  absl::Status refused;
  for (size_t i = 0; i < spec.mounts().size(); ++i) {
    const task::TaskMount& asked = spec.mounts()[i];
    if (asked.type == task::TaskMount::Type::kOwn) continue;
    const std::string field = absl::StrCat("config.mounts[", i, "]");
    MakePlace(absl::StrCat(field, ".destination"), asked.destination, root, &violations);
    if (asked.type == task::TaskMount::Type::kBind) {
      refused.Update(CheckSource(field, asked.source, policy));
    }
    mounts.push_back(PlanMount(asked, policy));
  }
  CLOISTER_RETURN_IF_ERROR(InvalidArgument(violations));
  CLOISTER_RETURN_IF_ERROR(refused);
  return mounts;
}

}  // namespace cloister::plan
