// What is checked of every request before the engine sees it.
#ifndef CLOISTER_SERVICES_EXECUTOR_REQUEST_CHECKS_H_
#define CLOISTER_SERVICES_EXECUTOR_REQUEST_CHECKS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cloister/v1/task_service.pb.h"
#include "libs/base/field_violations.h"

namespace cloister::executor {

// Each adds what is wrong, if anything.
void CheckRequestId(absl::string_view request_id, std::vector<FieldViolation>* violations);
void CheckTaskId(absl::string_view task_id, std::vector<FieldViolation>* violations);
void CheckExternalId(absl::string_view external_id, std::vector<FieldViolation>* violations);
// The number of a signal's name; `required` refuses an empty one.
absl::optional<int> CheckSignal(absl::string_view signal, bool required,
                                std::vector<FieldViolation>* violations);
// The grace of a stop: 0 to 24 h, whole milliseconds count.
absl::optional<absl::Duration> CheckGrace(const v1::StopTaskRequest& request,
                                          std::vector<FieldViolation>* violations);

// FAILED_PRECONDITION, WRONG_NODE, for a request that is meant for another node.
absl::Status CheckNode(absl::string_view asked, const std::string& own);

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_REQUEST_CHECKS_H_
