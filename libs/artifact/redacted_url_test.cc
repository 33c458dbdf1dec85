#include "libs/artifact/redacted_url.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::artifact {
namespace {

TEST(RedactedUrl, WhatHoldsNoSecretStays) {
  for (const char* url : {"https://h:8443/a/b.zip?ref=v1&checksum=md5:0", "github.com/a/b//c?ref=x",
                          "git@github.com:a/b.git", "git::ssh://git@h/a", "s3::https://h/b/k", ""})
    EXPECT_EQ(RedactedUrl(url), url);
}

TEST(RedactedUrl, UserinfoGoes) {
  EXPECT_EQ(RedactedUrl("https://u:hunter2@h/p"), "https://[redacted]@h/p");
  EXPECT_EQ(RedactedUrl("https://ghp_token@h/p"), "https://[redacted]@h/p");
  EXPECT_EQ(RedactedUrl("https://u:a@b@h/p"), "https://[redacted]@h/p");
  EXPECT_EQ(RedactedUrl("git::u:hunter2@h:p"), "git::[redacted]@h:p");
  EXPECT_EQ(RedactedUrl("https://u:hun/ter2@h/p"), "https://[redacted]@h/p");
}

TEST(RedactedUrl, ValuesOfSignaturesAndTheFragmentGo) {
  EXPECT_EQ(RedactedUrl("https://h/p?X-Amz-Signature=abc&version=3&token=t#s"),
            "https://h/p?X-Amz-Signature=[redacted]&version=3&token=[redacted]");
  EXPECT_EQ(RedactedUrl("https://h/p?checksum=file:https://h/l?sig=1"),
            "https://h/p?checksum=[redacted]");
}

TEST(RedactedUrl, WhatATerminalWouldObeyIsEscapedAndLongTextIsCut) {
  EXPECT_EQ(RedactedUrl("http://h/\x1b[2J"), "http://h/\\x1b[2J");
  EXPECT_EQ(RedactedUrl("http://h/" + std::string(65536, 'x')).size(), 515u);
}

}  // namespace
}  // namespace cloister::artifact
