#include "libs/artifact/url_parts.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::HasSubstr;
using testing::Pair;

TEST(UrlParts, EveryPartIsFound) {
  const auto url = ParseUrl("HTTPS://u:p@Host.Example:8443/a%20b/c?x=1&y=%2F&flag#frag");
  ASSERT_THAT(url, IsOk());
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->userinfo, "u:p");
  EXPECT_EQ(url->host, "host.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/a%20b/c");
  EXPECT_THAT(url->query, testing::ElementsAre(Pair("x", "1"), Pair("y", "%2F"), Pair("flag", "")));
  EXPECT_EQ(url->fragment, "frag");
  EXPECT_EQ(url->Origin(), "https://host.example:8443");
  EXPECT_EQ(url->ToString(), "https://u:p@host.example:8443/a%20b/c?x=1&y=%2F&flag#frag");
}

TEST(UrlParts, AddressesOfVersionSixHaveBrackets) {
  const auto url = ParseUrl("http://[::1]:80/");
  ASSERT_THAT(url, IsOk());
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->Origin(), "http://[::1]:80");
}

TEST(UrlParts, ParametersAreTakenDecodedAndSet) {
  auto url = ParseUrl("http://h/p?a=1&checksum=md5%3A0&a=2+3");
  ASSERT_THAT(url, IsOk());
  EXPECT_EQ(url->TakeQuery("a"), "2 3");
  EXPECT_EQ(url->TakeQuery("a"), absl::nullopt);
  url->SetQuery("b c", "&=");
  EXPECT_EQ(url->ToString(), "http://h/p?checksum=md5%3A0&b%20c=%26%3D");
}

TEST(UrlParts, AnOriginIsASchemeAHostAndAPort) {
  const auto same = [](const char* a, const char* b) {
    return SameOrigin(*ParseUrl(a), *ParseUrl(b));
  };
  EXPECT_TRUE(same("http://h/a", "HTTP://H:80/b?c#d"));
  EXPECT_TRUE(same("https://h", "https://h:443/"));
  EXPECT_TRUE(same("ssh://h/", "ssh://h:22/"));
  EXPECT_FALSE(same("http://h/", "https://h:80/"));
  EXPECT_FALSE(same("https://h/", "https://h:80/"));
  EXPECT_FALSE(same("https://h/", "https://h.x/"));
}

TEST(UrlParts, WhatIsMalformedIsRefused) {
  const auto invalid = [](absl::string_view part) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(part)));
  };
  EXPECT_THAT(ParseUrl("http://%zz"), invalid("'%'"));
  EXPECT_THAT(ParseUrl("http:///x"), invalid("no host"));
  EXPECT_THAT(ParseUrl("http://-oProxyCommand=x/"), invalid("begins with '-'"));
  EXPECT_THAT(ParseUrl("http://a b/"), invalid("a space"));
  EXPECT_THAT(ParseUrl("http://h/a\\b"), invalid("backslash"));
  EXPECT_THAT(ParseUrl("http://h/%00"), invalid("NUL"));
  EXPECT_THAT(ParseUrl("http://h:0/"), invalid("port"));
  EXPECT_THAT(ParseUrl("http://h:65536/"), invalid("port"));
  EXPECT_THAT(ParseUrl("http://h:+80/"), invalid("port"));
  EXPECT_THAT(ParseUrl("http://[::1/"), invalid("']'"));
  EXPECT_THAT(ParseUrl("http://[::1]x:1/"), invalid("between"));
  EXPECT_THAT(ParseUrl("//h/x"), invalid("scheme"));
  EXPECT_THAT(ParseUrl("1x://h"), invalid("scheme"));
  EXPECT_THAT(ParseUrl("http://h/" + std::string(65536, 'x')), invalid("more than 8192"));
}

}  // namespace
}  // namespace cloister::artifact
