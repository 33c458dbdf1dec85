#include "tests/bench/json_text.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::bench {
namespace {

TEST(JsonTextTest, QuotesWhatJsonDoesNotTakeAsItIs) {
  EXPECT_EQ(JsonString("a\"b\\c\n"), R"("a\"b\\c\u000a")");
}

TEST(JsonTextTest, KeepsTheOrderOfMembers) {
  EXPECT_EQ(JsonObject().AddString("z", "1").AddNumber("a", 2).AddBool("m", true).ToString(),
            R"({"z":"1","a":2,"m":true})");
  EXPECT_EQ(JsonObject().ToString(), "{}");
}

TEST(JsonTextTest, KeepsAll64BitsOfANumber) {
  EXPECT_EQ(JsonObject().AddNumber("n", std::numeric_limits<uint64_t>::max()).ToString(),
            R"({"n":18446744073709551615})");
}

TEST(JsonTextTest, HasNullForWhatIsNoNumber) {
  EXPECT_EQ(JsonObject().AddReal("n", std::nan("")).AddReal("m", 1.5).ToString(),
            R"({"n":null,"m":1.5})");
}

TEST(JsonTextTest, JoinsArrays) {
  EXPECT_EQ(JsonStrings({}), "[]");
  EXPECT_EQ(JsonStrings({"a", "b"}), R"(["a","b"])");
  EXPECT_EQ(JsonArray({"1", "{}"}), "[1,{}]");
}

}  // namespace
}  // namespace cloister::bench
