// Types as they are written in `variable` blocks and in convert(): string, list(number), ...
#ifndef CLOISTER_LIBS_HCL_TYPE_CONSTRAINT_H_
#define CLOISTER_LIBS_HCL_TYPE_CONSTRAINT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/syntax.h"
#include "libs/hcl/value.h"

namespace cloister::hcl {

struct TypeConstraint {
  enum class Kind { kAny, kString, kNumber, kBool, kList, kSet, kMap, kTuple, kObject };
  Kind kind = Kind::kAny;
  // kList, kSet, kMap: that of the elements. kTuple: one for each element.
  std::vector<TypeConstraint> elements;
  // kObject, by name; those in `optional_attributes` may be missing, and are null then.
  std::map<std::string, TypeConstraint> attributes;
  std::map<std::string, bool> optional_attributes;
};

// None after an error.
absl::optional<TypeConstraint> ParseTypeConstraint(const Expression& expression,
                                                   Diagnostics& diagnostics);

// The value, converted as HCL converts; INVALID_ARGUMENT says what is wrong, and where in the
// value: "element 2: a number is required, not a list". Null is of every type.
absl::StatusOr<Value> ConvertToType(const Value& value, const TypeConstraint& type);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_TYPE_CONSTRAINT_H_
