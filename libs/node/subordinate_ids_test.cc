#include "libs/node/subordinate_ids.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::node {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(SubordinateIds, AreFoundByNameAndByUid) {
  const auto ids =
      ParseSubordinateIds("bob:1:2\nalice:100000:65536\n1000:300000:10\n", "alice", 1000);
  ASSERT_THAT(ids, SizeIs(2));
  EXPECT_EQ(ids[0].first, 100000u);
  EXPECT_EQ(ids[0].count, 65536u);
  EXPECT_EQ(ids[1].first, 300000u);
  EXPECT_EQ(ids[1].count, 10u);
}

TEST(SubordinateIds, OfAnotherUserAreNobodysBusiness) {
  EXPECT_THAT(ParseSubordinateIds("alice2:100000:65536\n10000:1:1\n", "alice", 1000), IsEmpty());
}

TEST(SubordinateIds, LinesThatAreNoneAreLeftOut) {
  EXPECT_THAT(ParseSubordinateIds("alice:x:1\nalice:1\nalice:1:0\nalice:0:9\n#alice:1:1\n"
                                  "alice:4294967295:2\nalice:-1:2\n",
                                  "alice", 1000),
              IsEmpty());
}

}  // namespace
}  // namespace cloister::node
