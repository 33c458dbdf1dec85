#include "libs/engine/engine_error.h"

namespace cloister::engine {

absl::Status EngineError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                         const ReasonMetadata& metadata) {
  return WithReason(absl::Status(code, message), reason, metadata);
}

}  // namespace cloister::engine
