#include "libs/capability/capability_set.h"

#include <bitset>

#include "gtest/gtest.h"

namespace cloister::capability {
namespace {

TEST(CapabilitySet, StartsEmpty) {
  EXPECT_TRUE(CapabilitySet().empty());
  EXPECT_EQ(CapabilitySet().bits(), 0u);
}

TEST(CapabilitySet, BitsAreThoseOfTheKernelsMasks) {
  EXPECT_EQ((CapabilitySet{0, 10, 21}).bits(), 0x200401u);
  EXPECT_EQ((CapabilitySet{63}).bits(), 0x8000000000000000u);
}

TEST(CapabilitySet, NumbersThatDoNotFitAreNotInIt) {
  EXPECT_TRUE((CapabilitySet{-1, 64, 1000}).empty());
  const CapabilitySet every = CapabilitySet::UpTo(63);
  EXPECT_FALSE(every.Contains(-1));
  EXPECT_FALSE(every.Contains(64));
}

TEST(CapabilitySet, UpToCountsFromZeroAndIncludesTheLast) {
  EXPECT_TRUE(CapabilitySet::UpTo(-1).empty());
  EXPECT_EQ(CapabilitySet::UpTo(0).bits(), 1u);
  EXPECT_EQ(CapabilitySet::UpTo(37).bits(), 0x3fffffffffu);
  EXPECT_EQ(CapabilitySet::UpTo(40).bits(), 0x1ffffffffffu);
  EXPECT_EQ(CapabilitySet::UpTo(62).bits(), 0x7fffffffffffffffu);
  EXPECT_EQ(CapabilitySet::UpTo(63).bits(), ~uint64_t{0});
  EXPECT_EQ(CapabilitySet::UpTo(99).bits(), ~uint64_t{0});
}

// Every pair of subsets of four members, against std::bitset.
TEST(CapabilitySet, AlgebraAgreesWithBitset) {
  for (unsigned a = 0; a < 16; ++a) {
    for (unsigned b = 0; b < 16; ++b) {
      const CapabilitySet x = CapabilitySet::FromBits(a);
      const CapabilitySet y = CapabilitySet::FromBits(b);
      const std::bitset<4> p(a);
      const std::bitset<4> q(b);
      EXPECT_EQ((x | y).bits(), (p | q).to_ulong());
      EXPECT_EQ((x & y).bits(), (p & q).to_ulong());
      EXPECT_EQ((x - y).bits(), (p & ~q).to_ulong());
      EXPECT_EQ(x == y, p == q);
      EXPECT_EQ(x != y, p != q);
      EXPECT_EQ(x.ContainsAll(y), (p & q) == q);
      for (int member = 0; member < 4; ++member) EXPECT_EQ(x.Contains(member), p[member]);
    }
  }
}

}  // namespace
}  // namespace cloister::capability
