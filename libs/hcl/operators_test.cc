#include "libs/hcl/operators.h"

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::hcl {
namespace {

Value Binary(BinaryOperator op, const Value& left, const Value& right) {
  absl::StatusOr<Value> result = ApplyBinary(op, left, right);
  return result.ok() ? *result : Value::String(std::string(result.status().message()));
}

TEST(Operators, IntegersStayExact) {
  EXPECT_EQ(Binary(BinaryOperator::kAdd, Value::Int(INT64_MAX - 1), Value::Int(1)),
            Value::Int(INT64_MAX));
  EXPECT_EQ(Binary(BinaryOperator::kMultiply, Value::Int(3037000499), Value::Int(3037000499)),
            Value::Int(9223372030926249001));
  EXPECT_EQ(Binary(BinaryOperator::kDivide, Value::Int(7), Value::Int(2)), Value::Number(3.5));
  EXPECT_EQ(Binary(BinaryOperator::kModulo, Value::Int(-7), Value::Int(3)), Value::Int(-1));
}

TEST(Operators, BeyondIntegersTheResultIsADouble) {
  EXPECT_EQ(Binary(BinaryOperator::kAdd, Value::Int(INT64_MAX), Value::Int(1)),
            Value::Number(9223372036854775808.0));
  EXPECT_EQ(Binary(BinaryOperator::kDivide, Value::Int(INT64_MIN), Value::Int(-1)),
            Value::Number(9223372036854775808.0));
  EXPECT_EQ(Binary(BinaryOperator::kModulo, Value::Int(INT64_MIN), Value::Int(-1)), Value::Int(0));
  EXPECT_EQ(*ApplyUnary(UnaryOperator::kNegate, Value::Int(INT64_MIN)),
            Value::Number(9223372036854775808.0));
}

TEST(Operators, WhatHasNoFiniteResultIsAnError) {
  EXPECT_THAT(ApplyBinary(BinaryOperator::kDivide, Value::Int(1), Value::Int(0)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ApplyBinary(BinaryOperator::kModulo, Value::Number(1.5), Value::Int(0)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ApplyBinary(BinaryOperator::kMultiply, Value::Number(1e300), Value::Number(1e300)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Operators, WrongTypesAreErrors) {
  EXPECT_THAT(ApplyBinary(BinaryOperator::kAdd, Value::String("a"), Value::Int(0)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ApplyBinary(BinaryOperator::kLess, Value::Tuple({}), Value::Int(0)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ApplyBinary(BinaryOperator::kOr, Value::Int(1), Value::Bool(true)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ApplyUnary(UnaryOperator::kNot, Value()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cloister::hcl
