#include "libs/engine/testing/fake_planner.h"

#include <signal.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_macros.h"

namespace cloister::engine {

absl::StatusOr<PlannedTask> FakePlanner::Plan(const v1::TaskConfig& config,
                                              const std::string&) const {
  std::vector<FieldViolation> violations;
  if (config.config().command().empty()) violations.push_back({"config.command", "is empty"});
  if (!config.config().work_dir().empty() && !absl::StartsWith(config.config().work_dir(), "/")) {
    violations.push_back({"config.work_dir", "is not absolute"});
  }
  CLOISTER_RETURN_IF_ERROR(InvalidArgument(violations));
  PlannedTask planned;
  planned.memory_mib = config.resources().memory();
  planned.plan.mutable_exec()->add_candidates(config.config().command());
  *planned.plan.mutable_exec()->mutable_args() = config.config().args();
  for (const auto& variable : config.env()) {
    planned.plan.mutable_exec()->add_env(absl::StrCat(variable.first, "=", variable.second));
  }
  for (const v1::Artifact& asked : config.artifacts()) {
    internal::ArtifactPlan* artifact = planned.plan.add_artifacts();
    artifact->set_source(asked.source());
    artifact->set_directory("/local");
    artifact->set_home("local");
    artifact->set_chown(asked.chown());
    *artifact->mutable_headers() = asked.headers();
  }
  planned.plan.mutable_stop()->set_signal(SIGTERM);
  planned.plan.mutable_stop()->set_grace_ms(5000);
  return planned;
}

absl::StatusOr<Explanation> FakePlanner::Explain(const v1::TaskConfig& config) const {
  CLOISTER_RETURN_IF_ERROR(Plan(config, "").status());
  return Explanation{absl::StrCat("runs ", config.config().command()), "plan"};
}

v1::Fence FakePlanner::Fence(const internal::LaunchPlan&) const {
  v1::Fence fence;
  fence.set_uid(65534);
  return fence;
}

std::string FakePlanner::Describe(const internal::LaunchPlan& plan,
                                  const internal::LaunchFailure& failure) const {
  return absl::StrCat("EXEC '", plan.exec().candidates(failure.index()), "': errno ",
                      failure.error_number());
}

}  // namespace cloister::engine
