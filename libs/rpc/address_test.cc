#include "libs/rpc/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/status_matchers.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

void ExpectRefused(absl::string_view text, absl::string_view why) {
  EXPECT_THAT(ParseAddress(text),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(why))));
}

TEST(Address, UnixPath) {
  const auto address = ParseAddress("unix:/run/cloister/executor.sock");
  ASSERT_THAT(address, IsOk());
  EXPECT_TRUE(address->is_unix());
  EXPECT_EQ(address->path(), "/run/cloister/executor.sock");
  EXPECT_EQ(address->ToString(), "unix:/run/cloister/executor.sock");
  EXPECT_FALSE(address->is_loopback());
}

TEST(Address, UnixPathAsAUrl) {
  EXPECT_EQ(ParseAddress("unix:///run/x.sock")->path(), "/run/x.sock");
}

TEST(Address, HostAndPort) {
  const auto address = ParseAddress("node-1.example.com:4242");
  ASSERT_THAT(address, IsOk());
  EXPECT_FALSE(address->is_unix());
  EXPECT_EQ(address->host(), "node-1.example.com");
  EXPECT_EQ(address->port(), 4242);
  EXPECT_FALSE(address->is_numeric());
  EXPECT_EQ(address->ToString(), "node-1.example.com:4242");
}

TEST(Address, V4AndV6) {
  EXPECT_TRUE(ParseAddress("10.0.0.1:1")->is_numeric());
  const auto v6 = ParseAddress("[2001:db8::1]:65535");
  ASSERT_THAT(v6, IsOk());
  EXPECT_EQ(v6->host(), "2001:db8::1");
  EXPECT_TRUE(v6->is_numeric());
  EXPECT_EQ(v6->ToString(), "[2001:db8::1]:65535");
}

TEST(Address, WithPortKeepsTheHost) {
  EXPECT_EQ(ParseAddress("[::1]:0")->WithPort(99).ToString(), "[::1]:99");
}

TEST(Address, LoopbackIsWhatOnlyThisMachineReaches) {
  EXPECT_TRUE(ParseAddress("127.0.0.1:1")->is_loopback());
  EXPECT_TRUE(ParseAddress("127.255.3.4:1")->is_loopback());
  EXPECT_TRUE(ParseAddress("[::1]:1")->is_loopback());
  EXPECT_FALSE(ParseAddress("0.0.0.0:1")->is_loopback());
  EXPECT_FALSE(ParseAddress("[::]:1")->is_loopback());
  EXPECT_FALSE(ParseAddress("128.0.0.1:1")->is_loopback());
  EXPECT_FALSE(ParseAddress("[::ffff:127.0.0.1]:1")->is_loopback());
  EXPECT_FALSE(ParseAddress("localhost:1")->is_loopback());
}

TEST(Address, ASocketPathHasALongestLength) {
  const std::string longest = absl::StrCat("/", std::string(106, 'a'));
  EXPECT_THAT(ParseAddress(absl::StrCat("unix:", longest)), IsOk());
  ExpectRefused(absl::StrCat("unix:", longest, "a"), "the path has 108 bytes");
}

TEST(Address, RefusesUnixPathsThatMeanNothingDefinite) {
  ExpectRefused("unix:", "absolute");
  ExpectRefused("unix:run/x.sock", "absolute");
  ExpectRefused("unix:/run/x.sock/", "ends in a name");
  ExpectRefused("unix://run/x.sock", "one slash or three");
  ExpectRefused("unix:/", "ends in a name");
  ExpectRefused(absl::string_view("unix:/a\0b", 9), "NUL");
}

TEST(Address, RefusesAbstractSockets) {
  ExpectRefused("unix-abstract:x", "no permissions");
  ExpectRefused("unix:@x", "no permissions");
  ExpectRefused("@x", "no permissions");
}

TEST(Address, RefusesPortsThatAreNone) {
  for (absl::string_view port : {"", "x", "-1", "+1", " 1", "65536", "99999", "1x", "000001"}) {
    ExpectRefused(absl::StrCat("127.0.0.1:", port), "the port is a number");
  }
}

TEST(Address, RefusesHostsThatAreNone) {
  ExpectRefused("", "expected unix:/path");
  ExpectRefused("localhost", "expected unix:/path");
  ExpectRefused(":4242", "no host");
  ExpectRefused("::1:4242", "in brackets");
  ExpectRefused("[::1:4242", "in brackets");
  ExpectRefused("[127.0.0.1]:1", "no IPv6");
  ExpectRefused("[fe80::1%eth0]:1", "no IPv6");
  ExpectRefused("[]:1", "no IPv6");
  ExpectRefused("127.1:1", "no IPv4");
  ExpectRefused("2130706433:1", "no IPv4");
  ExpectRefused("256.0.0.1:1", "no IPv4");
  ExpectRefused("a b:1", "no host name");
  ExpectRefused("http://x:1", "in brackets");
  ExpectRefused("-x:1", "no host name");
  ExpectRefused("a_b:1", "no host name");
}

}  // namespace
}  // namespace cloister::rpc
