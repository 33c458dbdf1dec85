// The google.rpc details of an error beside its reason (libs/base/error_reason.h) and its field
// violations (libs/base/field_violations.h), carried in an absl::Status. An OK status takes none.

#ifndef CLOISTER_LIBS_RPC_ERROR_DETAILS_H_
#define CLOISTER_LIBS_RPC_ERROR_DETAILS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace cloister::rpc {

// google.rpc.RetryInfo: the call may succeed if it is tried again after `delay` (>= 0) at the
// earliest. For UNAVAILABLE, RESOURCE_EXHAUSTED and ABORTED.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);
absl::optional<absl::Duration> GetRetryDelay(const absl::Status& status);

// google.rpc.ResourceInfo: the object that the error is about. For NOT_FOUND and ALREADY_EXISTS.
struct ErrorResource {
  std::string type;  // "task", "node"
  std::string name;  // Its id, as in the request.
};
absl::Status WithResource(absl::Status status, absl::string_view type, absl::string_view name);
absl::optional<ErrorResource> GetResource(const absl::Status& status);

// google.rpc.PreconditionFailure: what would have to hold first. For FAILED_PRECONDITION.
struct PreconditionViolation {
  std::string type;         // "TASK_STATE"
  std::string subject;      // "task/q7k…"
  std::string description;  // "is still running: stop it first, or destroy with force"
};
absl::Status WithPreconditionViolations(absl::Status status,
                                        const std::vector<PreconditionViolation>& violations);
std::vector<PreconditionViolation> GetPreconditionViolations(const absl::Status& status);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_ERROR_DETAILS_H_
