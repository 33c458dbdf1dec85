#include "libs/engine/task_record.h"

namespace cloister::engine {

v1::TaskConfig WithoutEnvironmentValues(const v1::TaskConfig& config) {
  v1::TaskConfig copy = config;
  for (auto& variable : *copy.mutable_env()) variable.second.clear();
  return copy;
}

}  // namespace cloister::engine
