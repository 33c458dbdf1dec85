#include "libs/plan/plan_artifacts.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/plan/check_artifact_source.h"
#include "libs/plan/mount_place.h"
#include "libs/plan/place_artifacts.h"

namespace cloister::plan {
namespace {

using internal::ArtifactPlan;
using internal::Mount;
using task::ArtifactSpec;

ArtifactPlan PlanOne(const ArtifactSpec& spec) {
  ArtifactPlan plan;
  plan.set_source(spec.source);
  for (const auto& [name, value] : spec.options) (*plan.mutable_options())[name] = value;
  for (const auto& [name, value] : spec.headers) (*plan.mutable_headers())[name] = value;
  plan.set_directory(spec.directory);
  plan.set_file_name(spec.file_name);
  plan.set_mode(static_cast<ArtifactPlan::Mode>(spec.mode));
  plan.set_chown(spec.chown);
  plan.set_cache(static_cast<ArtifactPlan::Cache>(spec.cache));
  return plan;
}
static_assert(static_cast<int>(ArtifactSpec::Mode::kDirectory) == ArtifactPlan::MODE_DIRECTORY);
static_assert(static_cast<int>(ArtifactSpec::Cache::kOff) == ArtifactPlan::CACHE_OFF);

Mount DirectoryFor(const std::string& inside, const std::string& home) {
  Mount mount;
  mount.set_kind(Mount::KIND_TASK_DIRECTORY);
  mount.set_inside(inside);
  mount.set_source(home);
  mount.set_mode(0755);
  mount.set_read_only(true);
  return mount;
}

}  // namespace

absl::StatusOr<ArtifactParts> PlanArtifacts(const task::TaskSpec& spec,
                                            const node::NodePolicy& policy,
                                            internal::RootTemplate* root) {
  ArtifactParts parts;
  std::vector<FieldViolation> violations;
  // By directory: its mount in parts.mounts.
  std::map<std::string, size_t> made;
  for (size_t i = 0; i < spec.artifacts().size(); ++i) {
    const ArtifactSpec& asked = spec.artifacts()[i];
    const std::string field = absl::StrCat("artifacts[", i, "]");
    if (const absl::Status refused = CheckArtifactSource(asked.parsed, policy.artifacts);
        !refused.ok()) {
      return WithReason(Annotate(refused, field), "ARTIFACT_SOURCE_NOT_ALLOWED");
    }
    ArtifactPlan plan = PlanOne(asked);
    plan.set_home(IsInSecrets(asked.directory) ? asked.directory.substr(1)
                                               : MountPointOf(asked.directory));
    if (plan.home().empty()) {
      const auto [place, is_new] = made.emplace(asked.directory, parts.mounts.size());
      if (is_new) {
        MakePlace(absl::StrCat(field, ".destination"), asked.directory, root, &violations);
        parts.mounts.push_back(
            DirectoryFor(asked.directory, absl::StrCat("artifact-", parts.mounts.size())));
      }
      Mount& mount = parts.mounts[place->second];
      if (asked.chown) mount.set_read_only(false);
      plan.set_home(mount.source());
    }
    parts.artifacts.push_back(std::move(plan));
  }
  CLOISTER_RETURN_IF_ERROR(InvalidArgument(violations));
  return parts;
}

}  // namespace cloister::plan
