#include "libs/artifact/checksum.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(Checksum, DigestsOfTheirTypesLengthAreTaken) {
  EXPECT_THAT(CheckChecksum("md5:" + std::string(32, 'a')), IsOk());
  EXPECT_THAT(CheckChecksum("sha1:" + std::string(40, 'F')), IsOk());
  EXPECT_THAT(CheckChecksum("sha256:" + std::string(64, '0')), IsOk());
  EXPECT_THAT(CheckChecksum("sha384:" + std::string(96, '1')), IsOk());
  EXPECT_THAT(CheckChecksum("sha512:" + std::string(128, '9')), IsOk());
}

TEST(Checksum, ThePlaceholderOfThePageIsRefusedForLengthAndLetter) {
  const absl::Status status = CheckChecksum("sha256:abd123445ds4555555555");
  EXPECT_THAT(status, StatusIs(kInvalid, HasSubstr("has 21 characters")));
  EXPECT_THAT(status, StatusIs(kInvalid, HasSubstr("'s', which is no hexadecimal digit")));
  EXPECT_THAT(status,
              StatusIs(kInvalid, HasSubstr("a digest of sha256 has 64 hexadecimal digits")));
}

TEST(Checksum, WhatHasNoTypeOrAnotherIsRefused) {
  EXPECT_THAT(CheckChecksum(std::string(63, '0')), StatusIs(kInvalid, HasSubstr("TYPE:DIGEST")));
  EXPECT_THAT(CheckChecksum("crc:0"), StatusIs(kInvalid, HasSubstr("'crc' is no type")));
  EXPECT_THAT(CheckChecksum(""), StatusIs(kInvalid));
  EXPECT_THAT(CheckChecksum("sha256:"), StatusIs(kInvalid, HasSubstr("has 0 characters")));
}

TEST(Checksum, ReferencesAreTakenOnTrust) {
  EXPECT_THAT(CheckChecksum("sha256:${NOMAD_META_sum}"), IsOk());
}

TEST(Checksum, ABareDigestIsOfTheTypeThatItsLengthTells) {
  const auto parsed = ParseChecksum(std::string(96, 'A'));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->digest->ToString(), "sha384:" + std::string(96, 'a'));
}

TEST(Checksum, AListIsNamedByItsSource) {
  const auto parsed = ParseChecksum("file:https://h/SHA256SUMS");
  ASSERT_THAT(parsed, IsOk());
  EXPECT_FALSE(parsed->digest.has_value());
  EXPECT_EQ(parsed->list_source, "https://h/SHA256SUMS");
  EXPECT_THAT(ParseChecksum("file:"), StatusIs(kInvalid));
}

std::string Sha(char digit) { return std::string(64, digit); }

std::string Found(const std::string& list, const std::string& path) {
  const auto found = FindInChecksumList(list, path);
  return found.ok() ? found->ToString() : std::string(found.status().message());
}

TEST(ChecksumList, GnuLinesAreRead) {
  const std::string list = "# made by hand\n" + Sha('1') + "  other.zip\n" + Sha('2') +
                           " *./tool.zip\r\n" + Sha('3') + "  tool.zip.asc\n";
  EXPECT_EQ(Found(list, "/v1/tool.zip"), "sha256:" + Sha('2'));
  EXPECT_EQ(Found(list, "other.zip"), "sha256:" + Sha('1'));
}

TEST(ChecksumList, BsdLinesAreReadAndTheStrongestAlgorithmCounts) {
  const std::string list = "SHA256 (a (1).zip) = " + Sha('A') +
                           "\nMD5 (a (1).zip) = " + std::string(32, '0') +
                           "\nSHA2-512 (b.zip) = " + std::string(128, '5');
  EXPECT_EQ(Found(list, "/x/a (1).zip"), "sha256:" + Sha('a'));
  EXPECT_EQ(Found(list, "b.zip"), "sha512:" + std::string(128, '5'));
}

TEST(ChecksumList, TheLongestNameThatFitsCounts) {
  const std::string list =
      Sha('1') + "  app.zip\n" + Sha('2') + "  linux/app.zip\n" + Sha('3') + "  darwin/app.zip\n";
  EXPECT_EQ(Found(list, "/v1/linux/app.zip"), "sha256:" + Sha('2'));
  EXPECT_EQ(Found(list, "/v1/bsd/app.zip"), "sha256:" + Sha('1'));
  EXPECT_EQ(Found(list, "/v1/linux/my-app.zip"),
            "the list of checksums has 3 digests, none of them for 'my-app.zip'");
}

TEST(ChecksumList, EscapedNamesAreUnescaped) {
  EXPECT_EQ(Found("\\" + Sha('1') + "  a\\\\b\\n", "a\\b\n"), "sha256:" + Sha('1'));
}

TEST(ChecksumList, OneDigestWithoutANameIsAboutAnyFile) {
  EXPECT_EQ(Found(Sha('1') + "\n", "/x/any"), "sha256:" + Sha('1'));
  EXPECT_THAT(Found(Sha('1') + "\n" + Sha('2') + "\n", "/x/any"), HasSubstr("none of them"));
}

TEST(ChecksumList, ContradictionsAreRefused) {
  EXPECT_THAT(Found(Sha('1') + "  a\n" + Sha('2') + "  ./a\n", "a"), HasSubstr("two digests"));
  EXPECT_EQ(Found(Sha('1') + "  a\n" + Sha('1') + "  a\n", "a"), "sha256:" + Sha('1'));
}

TEST(ChecksumList, TooLongAListIsRefused) {
  EXPECT_THAT(FindInChecksumList(std::string(kMaxChecksumListBytes + 1, '\n'), "a"),
              StatusIs(kInvalid, HasSubstr("more than 1048576")));
}

}  // namespace
}  // namespace cloister::artifact
