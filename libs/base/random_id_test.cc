#include "libs/base/random_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/container/flat_hash_set.h"

namespace cloister {
namespace {

TEST(RandomId, Is26CharactersThatAreSafeInANameAnywhere) {
  EXPECT_THAT(RandomId(), ::testing::MatchesRegex("[a-z2-7]{26}"));
}

TEST(RandomId, NeverComesTwice) {
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(RandomId()).second);
}

}  // namespace
}  // namespace cloister
