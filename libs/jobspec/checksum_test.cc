#include "libs/jobspec/checksum.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::jobspec {
namespace {

using testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(Checksum, DigestsOfTheirTypesLengthAreTaken) {
  EXPECT_THAT(CheckChecksum("md5:" + std::string(32, 'a')), IsOk());
  EXPECT_THAT(CheckChecksum("sha1:" + std::string(40, 'F')), IsOk());
  EXPECT_THAT(CheckChecksum("sha256:" + std::string(64, '0')), IsOk());
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
  EXPECT_THAT(CheckChecksum(std::string(64, '0')), StatusIs(kInvalid, HasSubstr("TYPE:DIGEST")));
  EXPECT_THAT(CheckChecksum("crc:0"), StatusIs(kInvalid, HasSubstr("'crc' is no type")));
  EXPECT_THAT(CheckChecksum(""), StatusIs(kInvalid));
  EXPECT_THAT(CheckChecksum("sha256:"), StatusIs(kInvalid, HasSubstr("has 0 characters")));
}

TEST(Checksum, ReferencesAreTakenOnTrust) {
  EXPECT_THAT(CheckChecksum("sha256:${NOMAD_META_sum}"), IsOk());
}

}  // namespace
}  // namespace cloister::jobspec
