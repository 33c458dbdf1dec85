// Values as JSON and back: jsonencode, jsondecode, and whatever needs one text for each value.
#ifndef CLOISTER_LIBS_HCL_JSON_TEXT_H_
#define CLOISTER_LIBS_HCL_JSON_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/hcl/value.h"

namespace cloister::hcl {

// Compact, keys in order, `<`, `>` and `&` escaped as other implementations do. Equal values have
// equal text, others differ.
std::string JsonText(const Value& value);

// INVALID_ARGUMENT says what is wrong, and where. Of repeated names the last one counts.
absl::StatusOr<Value> ValueFromJson(absl::string_view text, int max_depth);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_JSON_TEXT_H_
