// Constraints: what a task asks of the node that it starts on. Pure.
#ifndef CLOISTER_LIBS_TASK_CONSTRAINT_H_
#define CLOISTER_LIBS_TASK_CONSTRAINT_H_

#include <vector>

#include "absl/status/status.h"
#include "cloister/v1/task.pb.h"
#include "google/protobuf/repeated_field.h"
#include "libs/base/field_violations.h"
#include "libs/task/references.h"

namespace cloister::task {

struct ConstraintsJudged {
  // What makes a constraint meaningless, by field path: an unknown name, a value that is no regular
  // expression, no version. An operator that is none is ParseTaskSpec's to tell.
  std::vector<FieldViolation> violations;
  // OK if all hold; else FAILED_PRECONDITION, reason CONSTRAINT_NOT_MET, that names every
  // constraint that does not, and what was found instead.
  absl::Status unmet;
};

// Operators:
// - "=" (also "==", "is", or none), "!=" ("not"): the same text.
// - "<", "<=", ">", ">=": as numbers where both are, else as bytes.
// - "regexp": RE2's syntax, anywhere in the attribute.
// - "set_contains" ("set_contains_all"), "set_contains_any": comma-separated lists, of which the
//   attribute is the set.
// - "version", "semver": bounds such as ">= 1.2, < 2" (version_text.h).
// - "is_set", "is_not_set": whether there is such an attribute; the value is not looked at.
//
// A node lacks attributes that others have: an attr.* or meta.* that is not there is no violation,
// but holds for "!=" and "is_not_set" only. Any other unknown name is a violation.
ConstraintsJudged JudgeConstraints(
    const google::protobuf::RepeatedPtrField<v1::Constraint>& constraints, const NameTable& names);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_CONSTRAINT_H_
