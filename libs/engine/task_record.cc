#include "libs/engine/task_record.h"

#include "libs/artifact/redacted_url.h"

namespace cloister::engine {

v1::TaskConfig WithoutEnvironmentValues(const v1::TaskConfig& config) {
  v1::TaskConfig copy = config;
  for (auto& variable : *copy.mutable_env()) variable.second.clear();
  for (v1::Artifact& artifact : *copy.mutable_artifacts()) {
    for (auto& header : *artifact.mutable_headers()) header.second.clear();
    artifact.set_source(artifact::RedactedUrl(artifact.source()));
  }
  return copy;
}

}  // namespace cloister::engine
