#include "libs/base/stable_hash.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace cloister {
namespace {

// Tokens and placements of running clusters depend on these: they never change.
TEST(StableHash, NeverChanges) {
  EXPECT_EQ(StableHash64({}), 0xefd01f60ba992926u);
  EXPECT_EQ(StableHash64({"task", "node"}), 0x849d3cee29872c7cu);
}

TEST(StableHash, TellsWhereAPartEnds) {
  EXPECT_NE(StableHash64({"ab", "c"}), StableHash64({"a", "bc"}));
  EXPECT_NE(StableHash64({"ab"}), StableHash64({"ab", ""}));
}

TEST(StableHash, TakesEveryByte) {
  EXPECT_NE(StableHash64({absl::string_view("a\0", 2)}),
            StableHash64({absl::string_view("a\1", 2)}));
  EXPECT_NE(StableHash64({"\x7f"}), StableHash64({"\xff"}));
}

}  // namespace
}  // namespace cloister
