// What operators do with values. Errors are INVALID_ARGUMENT with a sentence for a diagnostic.
//
// Integers stay exact where the result is one that int64_t holds; else the result is the nearest
// double. What has no finite result is an error.
#ifndef CLOISTER_LIBS_HCL_OPERATORS_H_
#define CLOISTER_LIBS_HCL_OPERATORS_H_

#include "absl/status/statusor.h"
#include "libs/hcl/syntax.h"
#include "libs/hcl/value.h"

namespace cloister::hcl {

absl::StatusOr<Value> ApplyUnary(UnaryOperator op, const Value& operand);

// Both operands are evaluated: the evaluator lets && and || leave out the second.
absl::StatusOr<Value> ApplyBinary(BinaryOperator op, const Value& left, const Value& right);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_OPERATORS_H_
