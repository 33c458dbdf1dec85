// What a person reads when a verb fails: one sentence, every mistake in a request, and the next
// thing to try.
#ifndef CLOISTER_TOOLS_CLOISTER_ERROR_TEXT_H_
#define CLOISTER_TOOLS_CLOISTER_ERROR_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cloister {

// `status` with a line of advice, which ErrorText prints behind it. For errors that the command
// line finds itself.
absl::Status WithHint(absl::Status status, absl::string_view hint);

// One or more lines, each ended. `status` is an error.
//
//   cloister: the request is wrong in 2 places
//     config.config.cap_add[0]: 'sys_foo': no such capability
//     resources.memory: ...
//   Try: cloister run --help
std::string ErrorText(const absl::Status& status, absl::string_view verb);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_ERROR_TEXT_H_
