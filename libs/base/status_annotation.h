// Context in front of an error on its way up, so that the last reader knows which object it was.

#ifndef CLOISTER_LIBS_BASE_STATUS_ANNOTATION_H_
#define CLOISTER_LIBS_BASE_STATUS_ANNOTATION_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace cloister {

namespace status_annotation_internal {
absl::Status Prefixed(const absl::Status& status, absl::string_view context);
}  // namespace status_annotation_internal

// "<context>: <message>" with the same code and the same payloads; an OK status stays as it is.
// The parts of the context are joined as by absl::StrCat, and only where there is an error.
//
//   return Annotate(ReadRecord(dir), "while recovering task ", id);
//     NOT_FOUND: while recovering task q7k: open 'launch': no such file or directory
template <typename... Parts>
absl::Status Annotate(absl::Status status, const Parts&... context) {
  if (status.ok()) return status;
  return status_annotation_internal::Prefixed(status, absl::StrCat(context...));
}

// The same for a value or an error.
template <typename T, typename... Parts>
absl::StatusOr<T> Annotate(absl::StatusOr<T> value, const Parts&... context) {
  if (value.ok()) return value;
  return status_annotation_internal::Prefixed(value.status(), absl::StrCat(context...));
}

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_STATUS_ANNOTATION_H_
