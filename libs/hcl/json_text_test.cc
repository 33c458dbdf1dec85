#include "libs/hcl/json_text.h"

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::hcl {
namespace {

TEST(JsonText, ReadsBack) {
  const Value value =
      Value::Object({{"a\"", Value::Tuple({Value(), Value::Bool(true), Value::Int(INT64_MAX)})},
                     {"b", Value::String("\x01\n<\xc3\xa4")},
                     {"c", Value::Object({})},
                     {"d", Value::Tuple({})}});
  const std::string text = JsonText(value);
  EXPECT_EQ(text,
            "{\"a\\\"\":[null,true,9223372036854775807],\"b\":\"\\u0001\\n\\u003c\xc3\xa4\",\"c\":{"
            "},\"d\":[]}");
  EXPECT_THAT(ValueFromJson(text, 10), IsOkAndHolds(value));
}

TEST(JsonText, OfRepeatedNamesTheLastCounts) {
  EXPECT_THAT(ValueFromJson(R"({"a": 1, "a": 2})", 10),
              IsOkAndHolds(Value::Object({{"a", Value::Int(2)}})));
}

TEST(JsonText, WhatIsNoJsonIsRefused) {
  EXPECT_THAT(ValueFromJson("[[1]]", 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ValueFromJson("{", 10), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cloister::hcl
