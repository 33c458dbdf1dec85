#include "libs/hcl/value.h"

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::hcl {
namespace {

TEST(Value, IntegersAreExactBeyondADouble) {
  EXPECT_EQ(Value::Int(INT64_MAX).ToText(), "9223372036854775807");
  EXPECT_EQ(Value::String("9223372036854775807").ToNumber()->integer(), INT64_MAX);
  EXPECT_NE(Value::Int(INT64_MAX), Value::Int(INT64_MAX - 1));
}

TEST(Value, AWholeDoubleIsAnInteger) {
  EXPECT_EQ(Value::Number(3.0), Value::Int(3));
  EXPECT_EQ(Value::Number(-9223372036854775808.0), Value::Int(INT64_MIN));
  EXPECT_FALSE(Value::Number(9223372036854775808.0).IsInteger());
}

TEST(Value, NumbersAreShownInShortestFormWithoutExponent) {
  EXPECT_EQ(Value::Number(0.1).ToText(), "0.1");
  EXPECT_EQ(Value::Number(1e21).ToText(), "1000000000000000000000");
  EXPECT_EQ(Value::Number(1e-7).ToText(), "0.0000001");
  EXPECT_EQ(Value::Number(5e-324).ToText()->substr(0, 4), "0.00");
}

TEST(Value, TextThatIsNoNumberLiteralConvertsToNoNumber) {
  for (const char* text :
       {"", "-", "1.", ".5", "1e", "0x10", " 1", "1 ", "inf", "nan", "1e999", "1_0"}) {
    EXPECT_EQ(Value::String(text).ToNumber(), absl::nullopt) << text;
  }
  EXPECT_EQ(Value::String("-1.5e3").ToNumber(), Value::Int(-1500));
}

TEST(Value, BoolsConvertToTheirWordsAndBack) {
  EXPECT_EQ(Value::Bool(true).ToText(), "true");
  EXPECT_EQ(Value::String("false").ToBool(), false);
  EXPECT_EQ(Value::String("False").ToBool(), absl::nullopt);
  EXPECT_EQ(Value::Int(1).ToBool(), absl::nullopt);
}

TEST(Value, CollectionsAndNullConvertToNothing) {
  for (const Value& value : {Value(), Value::Tuple({}), Value::Object({})}) {
    EXPECT_EQ(value.ToText(), absl::nullopt);
    EXPECT_EQ(value.ToNumber(), absl::nullopt);
    EXPECT_EQ(value.ToBool(), absl::nullopt);
  }
}

TEST(Value, KnowsWhetherSomethingWithinIsDeferred) {
  const Value deferred = Value::DeferredString("${attr.a}");
  EXPECT_TRUE(Value::Tuple({Value::Object({{"a", deferred}})}).IsDeferred());
  EXPECT_FALSE(Value::Tuple({Value::String("${attr.a}")}).IsDeferred());
}

TEST(Value, WeighsWhatItWouldTakeUnshared) {
  Value value = Value::String(std::string(1000, 'x'));
  for (int i = 0; i < 100; ++i) value = Value::Tuple({value, value});
  EXPECT_EQ(value.depth(), 100);
  EXPECT_EQ(value.weight(), UINT64_MAX);
}

TEST(Value, IsShownAsJsonWithSortedKeys) {
  std::ostringstream text;
  text << Value::Object(
      {{"b", Value::Tuple({Value::Int(1), Value()})}, {"a", Value::String("\n")}});
  EXPECT_EQ(text.str(), R"({"a":"\n","b":[1,null]})");
}

TEST(Value, OfAnotherKindIsEmpty) {
  const Value number = Value::Int(3);
  EXPECT_EQ(number.text(), "");
  EXPECT_TRUE(number.elements().empty());
  EXPECT_EQ(number.Find("a"), nullptr);
  EXPECT_FALSE(number.bool_value());
}

}  // namespace
}  // namespace cloister::hcl
