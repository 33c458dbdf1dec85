// The cause of an error for programs: a stable word that clients branch on, with facts. Carried
// inside an absl::Status until libs/rpc sends it as google.rpc.ErrorInfo (domain "cloister").

#ifndef CLOISTER_LIBS_BASE_ERROR_REASON_H_
#define CLOISTER_LIBS_BASE_ERROR_REASON_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cloister {

// Keys are lower_snake_case: {"node_id": "n7"}. Ordered, so that equal errors are equal bytes.
using ReasonMetadata = std::map<std::string, std::string>;

// The status with its reason set, in place of an earlier one. `reason` is UPPER_SNAKE_CASE, at most
// 63 characters, never changed once released, and listed in docs/errors.md. An OK status stays OK
// and has none.
//
//   return WithReason(absl::NotFoundError(absl::StrCat("no task ", id)), "TASK_NOT_FOUND",
//                     {{"task_id", id}});
absl::Status WithReason(absl::Status status, absl::string_view reason,
                        const ReasonMetadata& metadata = {});

// Empty if the status has none.
std::string GetReason(const absl::Status& status);
ReasonMetadata GetReasonMetadata(const absl::Status& status);

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_ERROR_REASON_H_
