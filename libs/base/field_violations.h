// What is wrong with a request, field by field: every violation at once, carried inside an
// absl::Status until libs/rpc turns it into google.rpc.BadRequest.

#ifndef CLOISTER_LIBS_BASE_FIELD_VIOLATIONS_H_
#define CLOISTER_LIBS_BASE_FIELD_VIOLATIONS_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace cloister {

struct FieldViolation {
  // Path in the request, in proto names: "config.exec.cap_add[2]".
  std::string field;
  // Why the value was refused and what would be accepted, as it stands after "<field>: ".
  std::string description;

  friend bool operator==(const FieldViolation& a, const FieldViolation& b) {
    return a.field == b.field && a.description == b.description;
  }
  friend std::ostream& operator<<(std::ostream& os, const FieldViolation& v) {
    return os << v.field << ": " << v.description;
  }
};

// OK if there are none, so that a parser ends with `return InvalidArgument(violations)`. Otherwise
// INVALID_ARGUMENT with the reason INVALID_FIELDS, all violations in a sentence and as a payload.
absl::Status InvalidArgument(const std::vector<FieldViolation>& violations);

// The violations of a status that InvalidArgument() made, here or behind an RPC; else none.
std::vector<FieldViolation> GetFieldViolations(const absl::Status& status);

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_FIELD_VIOLATIONS_H_
