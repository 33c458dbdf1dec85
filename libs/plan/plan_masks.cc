#include "libs/plan/plan_masks.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"

namespace cloister::plan {
namespace {

using internal::Mask;
using Kind = node::HostPath::Kind;

absl::StatusOr<Kind> KindOf(const std::string& path, const node::NodeFacts& facts) {
  for (const node::HostPath& target : facts.mask_targets) {
    if (target.path == path) return target.kind;
  }
  // A mask that is left out by mistake would be a hole.
  return absl::InternalError(absl::StrCat("'", path, "' was not looked for on this node"));
}

bool IsBelow(const std::string& path, absl::string_view directory) {
  return absl::StartsWith(path, absl::StrCat(directory, "/"));
}

void AddProcMask(Mask::Kind kind, const std::string& path, MaskPlan* masks) {
  Mask mask;
  mask.set_kind(kind);
  mask.set_inside(path);
  masks->proc.push_back(mask);
}

absl::Status CannotBeMasked(const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("node policy: '", path, "' cannot be masked: ", why));
}

absl::Status AddReadOnly(const std::string& path, const node::NodeFacts& facts, MaskPlan* masks) {
  CLOISTER_ASSIGN_OR_RETURN(const Kind kind, KindOf(path, facts));
  // All of /sys is read-only.
  if (IsBelow(path, "/sys")) return absl::OkStatus();
  if (!IsBelow(path, "/proc")) return CannotBeMasked(path, "not below /proc or /sys");
  if (kind == Kind::kMissing) {
    masks->missing.push_back(path);
  } else {
    AddProcMask(Mask::KIND_READ_ONLY, path, masks);
  }
  return absl::OkStatus();
}

absl::Status AddHidden(const std::string& path, const node::NodeFacts& facts, MaskPlan* masks) {
  CLOISTER_ASSIGN_OR_RETURN(const Kind kind, KindOf(path, facts));
  const bool in_sys = IsBelow(path, "/sys");
  if (!in_sys && !IsBelow(path, "/proc")) return CannotBeMasked(path, "not below /proc or /sys");
  if (kind == Kind::kMissing) {
    masks->missing.push_back(path);
  } else if (in_sys) {
    if (kind != Kind::kDirectory)
      return CannotBeMasked(path, "only directories of /sys can be hidden");
    masks->hidden_sys_directories.push_back(path);
  } else {
    const bool directory = kind == Kind::kDirectory;
    AddProcMask(directory ? Mask::KIND_HIDDEN_DIRECTORY : Mask::KIND_HIDDEN_FILE, path, masks);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MaskPlan> PlanMasks(const node::NodeFacts& facts, const node::NodePolicy& policy,
                                   bool hide) {
  MaskPlan masks;
  for (const std::string& path : policy.read_only_paths) {
    CLOISTER_RETURN_IF_ERROR(AddReadOnly(path, facts, &masks));
  }
  if (!hide) return masks;
  for (const std::string& path : policy.hidden_paths) {
    CLOISTER_RETURN_IF_ERROR(AddHidden(path, facts, &masks));
  }
  return masks;
}

}  // namespace cloister::plan
