#include "libs/capability/five_sets.h"

#include "gtest/gtest.h"
#include "libs/capability/calculate.h"

namespace cloister::capability {
namespace {

constexpr uint32_t kNobody = 65534;
constexpr CapabilitySet kNetBindService{10};

TEST(FiveSets, DefaultsAreACeilingAndNotAGrant) {
  const FiveSets sets = MakeFiveSets(kDefaultCapabilities, {}, kNobody);
  EXPECT_EQ(sets.bounding.bits(), 0xa80405fbu);
  EXPECT_TRUE(sets.permitted.empty());
  EXPECT_TRUE(sets.effective.empty());
  EXPECT_TRUE(sets.inheritable.empty());
  EXPECT_TRUE(sets.ambient.empty());
}

TEST(FiveSets, WhatWasAddedIsHeldAcrossTheExec) {
  const FiveSets sets = MakeFiveSets(kDefaultCapabilities, kNetBindService, kNobody);
  EXPECT_EQ(sets.bounding, kDefaultCapabilities);
  for (CapabilitySet set : {sets.permitted, sets.effective, sets.inheritable, sets.ambient}) {
    EXPECT_EQ(set, kNetBindService);
  }
}

TEST(FiveSets, WhatDidNotSurviveIsNotHeld) {
  const FiveSets sets = MakeFiveSets(kNetBindService, {10, 21}, kNobody);
  EXPECT_EQ(sets.effective, kNetBindService);
  EXPECT_EQ(sets.ambient, kNetBindService);
}

TEST(FiveSets, RootHoldsTheResultAndPassesNothingOn) {
  const FiveSets sets = MakeFiveSets(kDefaultCapabilities, kNetBindService, 0);
  EXPECT_EQ(sets.bounding, kDefaultCapabilities);
  EXPECT_EQ(sets.permitted, kDefaultCapabilities);
  EXPECT_EQ(sets.effective, kDefaultCapabilities);
  EXPECT_TRUE(sets.inheritable.empty());
  EXPECT_TRUE(sets.ambient.empty());
}

// The kernel refuses anything else: capset(2) and PR_CAP_AMBIENT_RAISE would fail with EPERM. Every
// pair of subsets of four members, as root and not.
TEST(FiveSets, AreAlwaysSetsThatTheKernelAccepts) {
  for (unsigned result = 0; result < 16; ++result) {
    for (unsigned added = 0; added < 16; ++added) {
      for (uint32_t uid : {0u, 1000u}) {
        const FiveSets sets =
            MakeFiveSets(CapabilitySet::FromBits(result), CapabilitySet::FromBits(added), uid);
        EXPECT_TRUE(sets.permitted.ContainsAll(sets.effective));
        EXPECT_TRUE(sets.bounding.ContainsAll(sets.permitted));
        EXPECT_TRUE(sets.bounding.ContainsAll(sets.inheritable));
        EXPECT_TRUE((sets.permitted & sets.inheritable).ContainsAll(sets.ambient));
      }
    }
  }
}

}  // namespace
}  // namespace cloister::capability
