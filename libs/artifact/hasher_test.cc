#include "libs/artifact/hasher.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/os/memfd.h"

namespace cloister::artifact {
namespace {

using testing::HasSubstr;

constexpr char kSha256OfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Hasher, AllDigestsComeOutOfOnePass) {
  Hasher hasher({DigestAlgorithm::kMd5, DigestAlgorithm::kSha1, DigestAlgorithm::kSha384,
                 DigestAlgorithm::kSha512});
  hasher.Update("a");
  hasher.Update("");
  hasher.Update("bc");
  const auto digests = hasher.Finish();
  ASSERT_EQ(digests.size(), 5u);
  EXPECT_EQ(HexOf(digests, DigestAlgorithm::kMd5), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(HexOf(digests, DigestAlgorithm::kSha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(HexOf(digests, DigestAlgorithm::kSha256), kSha256OfAbc);
  EXPECT_EQ(HexOf(digests, DigestAlgorithm::kSha384).substr(0, 16), "cb00753f45a35e8b");
  EXPECT_EQ(HexOf(digests, DigestAlgorithm::kSha512).substr(0, 16), "ddaf35a193617aba");
}

TEST(Hasher, Sha256IsAlwaysAmongThem) {
  Hasher hasher;
  hasher.Update("abc");
  EXPECT_EQ(hasher.Finish(), (std::vector<Checksum>{{DigestAlgorithm::kSha256, kSha256OfAbc}}));
}

TEST(VerifyChecksum, ADifferenceIsToldWithBothValues) {
  const std::vector<Checksum> digests = {{DigestAlgorithm::kSha256, kSha256OfAbc}};
  EXPECT_THAT(VerifyChecksum({DigestAlgorithm::kSha256, kSha256OfAbc}, digests), IsOk());
  const absl::Status status =
      VerifyChecksum({DigestAlgorithm::kSha256, std::string(64, '0')}, digests);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, HasSubstr(kSha256OfAbc)));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, HasSubstr(std::string(64, '0'))));
}

TEST(VerifyChecksum, WhatWasNotComputedMatchesNothing) {
  EXPECT_THAT(VerifyChecksum({DigestAlgorithm::kMd5, ""}, {}),
              StatusIs(absl::StatusCode::kInternal));
}

TEST(HashFile, ReadsFromTheBeginning) {
  const auto fd = MakeSealedMemfd("abc", "abc", 0600);
  ASSERT_THAT(fd, IsOk());
  const auto digests = HashFile(fd->get(), "abc");
  ASSERT_THAT(digests, IsOk());
  EXPECT_EQ(HexOf(*digests, DigestAlgorithm::kSha256), kSha256OfAbc);
}

}  // namespace
}  // namespace cloister::artifact
