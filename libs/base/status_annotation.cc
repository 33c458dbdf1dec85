#include "libs/base/status_annotation.h"

#include "absl/strings/cord.h"

namespace cloister {
namespace status_annotation_internal {

absl::Status Prefixed(const absl::Status& status, absl::string_view context) {
  absl::Status annotated(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&annotated](absl::string_view type, const absl::Cord& payload) {
    annotated.SetPayload(type, payload);
  });
  return annotated;
}

}  // namespace status_annotation_internal
}  // namespace cloister
