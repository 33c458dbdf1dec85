#include "libs/engine/id_ranges.h"

#include <set>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"

namespace cloister::engine {
namespace {

uint32_t FirstOf(const absl::StatusOr<IdRangeLease>& lease) {
  return lease.ok() ? (*lease)->first : 0;
}

TEST(IdRanges, GivesEachOnceAndSaysByNameThatThereAreNoMore) {
  IdRanges ranges(1000, 350, 100);
  std::vector<IdRangeLease> held;
  std::set<uint32_t> firsts;
  for (int i = 0; i < 3; ++i) {
    held.push_back(*ranges.Take());
    firsts.insert(held.back()->first);
    EXPECT_EQ(held.back()->count, 100u);
  }
  EXPECT_THAT(firsts, testing::ElementsAre(1000, 1100, 1200));
  const absl::Status refused = ranges.Take().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(GetReason(refused), "USER_IDS_EXHAUSTED");
}

TEST(IdRanges, ItIsFreeAgainWhenTheLastCopyIsGone) {
  IdRanges ranges(1000, 100, 100);
  IdRangeLease lease = *ranges.Take();
  IdRangeLease copy = lease;
  lease.reset();
  EXPECT_FALSE(ranges.Take().ok());
  copy.reset();
  EXPECT_EQ(FirstOf(ranges.Take()), 1000u);
}

TEST(IdRanges, WhatWasJustLeftComesLast) {
  IdRanges ranges(1000, 300, 100);
  EXPECT_EQ(FirstOf(ranges.Take()), 1000u);
  EXPECT_EQ(FirstOf(ranges.Take()), 1100u);
  EXPECT_EQ(FirstOf(ranges.Take()), 1200u);
  EXPECT_EQ(FirstOf(ranges.Take()), 1000u);
}

TEST(IdRanges, NothingThatAnEarlierTaskHasIsGiven) {
  IdRanges ranges(1000, 400, 100);
  const IdRangeLease same = ranges.Adopt(1000, 100);
  // Of another policy: it reaches into two.
  const IdRangeLease across = ranges.Adopt(1150, 100);
  const IdRangeLease twice = ranges.Adopt(1150, 100);
  const absl::StatusOr<IdRangeLease> taken = ranges.Take();
  EXPECT_EQ(FirstOf(taken), 1300u);
  EXPECT_FALSE(ranges.Take().ok());
}

TEST(IdRanges, OfALargeRangeThatBeganBeforeIsKnown) {
  IdRanges ranges(100000, 200, 100);
  const IdRangeLease large = ranges.Adopt(100000 - 65000, 65100);
  EXPECT_EQ(FirstOf(ranges.Take()), 100100u);
}

TEST(IdRanges, ALeaseMayOutliveIt) {
  IdRangeLease lease;
  {
    IdRanges ranges(1000, 100, 100);
    lease = *ranges.Take();
  }
  EXPECT_EQ(lease->first, 1000u);
}

TEST(IdRanges, ThreadsNeverGetTheSame) {
  IdRanges ranges(1000, 6400, 100);
  std::vector<std::vector<IdRangeLease>> held(4);
  std::vector<std::thread> threads;
  for (auto& mine : held) {
    threads.emplace_back([&ranges, &mine] {
      for (int i = 0; i < 16; ++i) mine.push_back(*ranges.Take());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint32_t> firsts;
  for (const auto& mine : held) {
    for (const IdRangeLease& lease : mine) firsts.insert(lease->first);
  }
  EXPECT_EQ(firsts.size(), 64u);
}

}  // namespace
}  // namespace cloister::engine
