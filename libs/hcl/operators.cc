#include "libs/hcl/operators.h"

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace cloister::hcl {
namespace {

absl::Status WrongOperand(absl::string_view required, const Value& operand) {
  if (operand.IsString()) {
    return absl::InvalidArgumentError(absl::StrCat("Unsuitable value for operand: ", required,
                                                   " is required, and this string is none."));
  }
  return absl::InvalidArgumentError(absl::StrCat("Unsuitable value for operand: ", required,
                                                 " is required, not ", KindInWords(operand.kind()),
                                                 "."));
}

absl::StatusOr<Value> Finite(double number) {
  if (!std::isfinite(number)) {
    return absl::InvalidArgumentError("The result of this operation is out of range.");
  }
  return Value::Number(number);
}

// The exact result of two integers, if there is one.
absl::optional<Value> IntegerResult(BinaryOperator op, int64_t left, int64_t right) {
  int64_t result;
  switch (op) {
    case BinaryOperator::kAdd:
      if (__builtin_add_overflow(left, right, &result)) return absl::nullopt;
      return Value::Int(result);
    case BinaryOperator::kSubtract:
      if (__builtin_sub_overflow(left, right, &result)) return absl::nullopt;
      return Value::Int(result);
    case BinaryOperator::kMultiply:
      if (__builtin_mul_overflow(left, right, &result)) return absl::nullopt;
      return Value::Int(result);
    case BinaryOperator::kDivide:
      // The smallest integer has no negative.
      if (right == -1 || left % right != 0) return absl::nullopt;
      return Value::Int(left / right);
    case BinaryOperator::kModulo:
      return Value::Int(right == -1 ? 0 : left % right);
    default:
      return absl::nullopt;
  }
}

absl::StatusOr<Value> Calculate(BinaryOperator op, const Value& left, const Value& right) {
  const bool divides = op == BinaryOperator::kDivide || op == BinaryOperator::kModulo;
  if (divides && right.number() == 0) {
    return absl::InvalidArgumentError("Division by zero: the right operand is zero.");
  }
  if (left.IsInteger() && right.IsInteger()) {
    const absl::optional<Value> exact = IntegerResult(op, left.integer(), right.integer());
    if (exact) return *exact;
  }
  switch (op) {
    case BinaryOperator::kAdd:
      return Finite(left.number() + right.number());
    case BinaryOperator::kSubtract:
      return Finite(left.number() - right.number());
    case BinaryOperator::kMultiply:
      return Finite(left.number() * right.number());
    case BinaryOperator::kDivide:
      return Finite(left.number() / right.number());
    default:
      return Finite(std::fmod(left.number(), right.number()));
  }
}

// -1, 0, 1
int Compare(const Value& left, const Value& right) {
  if (left.IsInteger() && right.IsInteger()) {
    return left.integer() < right.integer() ? -1 : left.integer() > right.integer() ? 1 : 0;
  }
  return left.number() < right.number() ? -1 : left.number() > right.number() ? 1 : 0;
}

absl::StatusOr<Value> ApplyToNumbers(BinaryOperator op, const Value& left, const Value& right) {
  const absl::optional<Value> a = left.ToNumber();
  if (!a) return WrongOperand("a number", left);
  const absl::optional<Value> b = right.ToNumber();
  if (!b) return WrongOperand("a number", right);
  switch (op) {
    case BinaryOperator::kLess:
      return Value::Bool(Compare(*a, *b) < 0);
    case BinaryOperator::kLessOrEqual:
      return Value::Bool(Compare(*a, *b) <= 0);
    case BinaryOperator::kGreater:
      return Value::Bool(Compare(*a, *b) > 0);
    case BinaryOperator::kGreaterOrEqual:
      return Value::Bool(Compare(*a, *b) >= 0);
    default:
      return Calculate(op, *a, *b);
  }
}

}  // namespace

absl::StatusOr<Value> ApplyUnary(UnaryOperator op, const Value& operand) {
  if (op == UnaryOperator::kNot) {
    const absl::optional<bool> value = operand.ToBool();
    if (!value) return WrongOperand("a bool", operand);
    return Value::Bool(!*value);
  }
  const absl::optional<Value> number = operand.ToNumber();
  if (!number) return WrongOperand("a number", operand);
  if (number->IsInteger() && number->integer() != INT64_MIN) return Value::Int(-number->integer());
  return Value::Number(-number->number());
}

absl::StatusOr<Value> ApplyBinary(BinaryOperator op, const Value& left, const Value& right) {
  if (op == BinaryOperator::kEqual) return Value::Bool(left == right);
  if (op == BinaryOperator::kNotEqual) return Value::Bool(left != right);
  if (op != BinaryOperator::kAnd && op != BinaryOperator::kOr) {
    return ApplyToNumbers(op, left, right);
  }
  const absl::optional<bool> a = left.ToBool();
  if (!a) return WrongOperand("a bool", left);
  const absl::optional<bool> b = right.ToBool();
  if (!b) return WrongOperand("a bool", right);
  return Value::Bool(op == BinaryOperator::kAnd ? *a && *b : *a || *b);
}

}  // namespace cloister::hcl
