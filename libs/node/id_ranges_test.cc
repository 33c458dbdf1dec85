#include "libs/node/id_ranges.h"

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::node {
namespace {

TEST(IdRanges, AreNumbersAndRanges) {
  const auto ranges = ParseIdRanges("uids", "0,5-10,4294967295");
  ASSERT_THAT(ranges, IsOk());
  ASSERT_EQ(ranges->size(), 3u);
  EXPECT_EQ((*ranges)[0].first, 0u);
  EXPECT_EQ((*ranges)[0].last, 0u);
  EXPECT_EQ((*ranges)[1].first, 5u);
  EXPECT_EQ((*ranges)[1].last, 10u);
  EXPECT_EQ((*ranges)[2].last, 4294967295u);
}

TEST(IdRanges, OfEmptyTextAreNone) { EXPECT_TRUE(ParseIdRanges("uids", "")->empty()); }

TEST(IdRanges, AreRefusedInTheDriversWords) {
  EXPECT_THAT(ParseIdRanges("deniedHostUIDs", "4-3"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "invalid range deniedHostUIDs \"4-3\": lower bound cannot be greater than "
                       "upper bound"));
  for (const char* text : {"x", "1-", "-1", "1-x", " 1", "1, 2", "1,", "+1", "4294967296"}) {
    EXPECT_THAT(ParseIdRanges("deniedHostUIDs", text), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
  EXPECT_THAT(ParseIdRanges("deniedHostUIDs", "1-2-3"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "invalid range deniedHostUIDs \"1-2-3\": range bound not valid"));
}

}  // namespace
}  // namespace cloister::node
