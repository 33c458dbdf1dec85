#include "libs/engine/task_record.h"

#include "libs/artifact/redacted_url.h"

namespace cloister::engine {
namespace {

template <typename Owner>
void ForgetSecretsOf(Owner* owner) {
  for (auto& artifact : *owner->mutable_artifacts()) {
    for (auto& header : *artifact.mutable_headers()) header.second.clear();
    artifact.set_source(artifact::RedactedUrl(artifact.source()));
  }
}

}  // namespace

void ForgetArtifactSecrets(v1::TaskConfig* config) { ForgetSecretsOf(config); }

void ForgetArtifactSecrets(internal::LaunchPlan* plan) { ForgetSecretsOf(plan); }

v1::TaskConfig WithoutEnvironmentValues(const v1::TaskConfig& config) {
  v1::TaskConfig copy = config;
  for (auto& variable : *copy.mutable_env()) variable.second.clear();
  ForgetArtifactSecrets(&copy);
  return copy;
}

}  // namespace cloister::engine
