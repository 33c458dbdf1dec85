#include "libs/hcl/type_constraint.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/hcl/parser.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(absl::string_view text) {
  Diagnostics diagnostics;
  const ExpressionPointer expression = ParseSingleExpression({text}, 100, diagnostics);
  ParseTypeConstraint(*expression, diagnostics);
  return TextOf(diagnostics);
}

TypeConstraint TypeOf(absl::string_view text) {
  Diagnostics diagnostics;
  const ExpressionPointer expression = ParseSingleExpression({text}, 100, diagnostics);
  return *ParseTypeConstraint(*expression, diagnostics);
}

TEST(TypeConstraint, EveryTypeReads) {
  for (const char* text :
       {"string", "number", "bool", "any", "list", "list(any)", "set(number)", "map(list(string))",
        "tuple([string, number])", "object({a = string, b = optional(bool)})", "\"map(string)\""}) {
    EXPECT_EQ(ErrorOf(text), "") << text;
  }
}

TEST(TypeConstraint, WhatIsNoTypeIsSaid) {
  for (const char* text :
       {"strng", "3", "list()", "list(string, number)", "tuple(string)", "object([])",
        "func(string)", "\"\\\"string\\\"\"", "\"a b\"", "object({a = wide})"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("Invalid type specification")) << text;
  }
}

TEST(TypeConstraint, ConvertsAndSaysWhereItCannot) {
  EXPECT_EQ(*ConvertToType(Value::Int(1), TypeOf("string")), Value::String("1"));
  EXPECT_EQ(*ConvertToType(Value(), TypeOf("list(string)")), Value());
  EXPECT_EQ(
      *ConvertToType(Value::Tuple({Value::Int(1), Value::String("1")}), TypeOf("set(string)")),
      Value::Tuple({Value::String("1")}));
  EXPECT_THAT(ConvertToType(Value::Tuple({Value()}), TypeOf("tuple([string, string])")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a list of 2 elements")));
  EXPECT_THAT(ConvertToType(Value::Object({{"a", Value::Tuple({})}}), TypeOf("map(string)")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("element \"a\": a string is required")));
}

TEST(TypeConstraint, DeferredTextStaysDeferred) {
  EXPECT_TRUE(
      ConvertToType(Value::Tuple({Value::DeferredString("${attr.a}")}), TypeOf("list(string)"))
          ->IsDeferred());
}

}  // namespace
}  // namespace cloister::hcl
