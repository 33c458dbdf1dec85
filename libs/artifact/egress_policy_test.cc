#include "libs/artifact/egress_policy.h"

#include <gtest/gtest.h>

#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

EgressPolicy Allowing(const std::vector<std::string>& networks) {
  EgressPolicy policy;
  for (const std::string& network : networks) {
    policy.allowed_networks.push_back(*ParseCidr(network));
  }
  return policy;
}

absl::Status Check(const EgressPolicy& policy, absl::string_view address) {
  return CheckAddress(policy, "https", "files.example", *ParseIpAddress(address));
}

enum class Class { kPublic, kWhereListed, kNever };

struct AddressCase {
  const char* address;
  Class expected;
};

// Each special range at its first and last address, and its neighbours on both sides.
constexpr AddressCase kAddresses[] = {
    {"0.0.0.0", Class::kNever},
    {"0.255.255.255", Class::kNever},
    {"1.0.0.0", Class::kPublic},
    {"9.255.255.255", Class::kPublic},
    {"10.0.0.0", Class::kWhereListed},
    {"10.255.255.255", Class::kWhereListed},
    {"11.0.0.0", Class::kPublic},
    {"100.63.255.255", Class::kPublic},
    {"100.64.0.0", Class::kWhereListed},
    {"100.100.100.199", Class::kWhereListed},
    {"100.100.100.200", Class::kNever},
    {"100.127.255.255", Class::kWhereListed},
    {"100.128.0.0", Class::kPublic},
    {"126.255.255.255", Class::kPublic},
    {"127.0.0.0", Class::kWhereListed},
    {"127.0.0.1", Class::kWhereListed},
    {"127.255.255.255", Class::kWhereListed},
    {"128.0.0.0", Class::kPublic},
    {"168.63.129.15", Class::kPublic},
    {"168.63.129.16", Class::kNever},
    {"168.63.129.17", Class::kPublic},
    {"169.253.255.255", Class::kPublic},
    {"169.254.0.0", Class::kNever},
    {"169.254.169.254", Class::kNever},
    {"169.254.170.2", Class::kNever},
    {"169.254.255.255", Class::kNever},
    {"169.255.0.0", Class::kPublic},
    {"172.15.255.255", Class::kPublic},
    {"172.16.0.0", Class::kWhereListed},
    {"172.31.255.255", Class::kWhereListed},
    {"172.32.0.0", Class::kPublic},
    {"191.255.255.255", Class::kPublic},
    {"192.0.0.0", Class::kNever},
    {"192.0.0.192", Class::kNever},
    {"192.0.0.255", Class::kNever},
    {"192.0.1.0", Class::kPublic},
    {"192.0.2.0", Class::kNever},
    {"192.0.2.255", Class::kNever},
    {"192.0.3.0", Class::kPublic},
    {"192.88.99.1", Class::kNever},
    {"192.167.255.255", Class::kPublic},
    {"192.168.0.0", Class::kWhereListed},
    {"192.168.255.255", Class::kWhereListed},
    {"192.169.0.0", Class::kPublic},
    {"198.17.255.255", Class::kPublic},
    {"198.18.0.0", Class::kWhereListed},
    {"198.19.255.255", Class::kWhereListed},
    {"198.20.0.0", Class::kPublic},
    {"198.51.100.7", Class::kNever},
    {"203.0.113.7", Class::kNever},
    {"223.255.255.255", Class::kPublic},
    {"224.0.0.0", Class::kNever},
    {"239.255.255.255", Class::kNever},
    {"240.0.0.0", Class::kNever},
    {"255.255.255.254", Class::kNever},
    {"255.255.255.255", Class::kNever},
    // IPv6 of its own.
    {"::", Class::kNever},
    {"::1", Class::kWhereListed},
    {"::2", Class::kNever},
    {"100::1", Class::kNever},
    {"2001:2::1", Class::kWhereListed},
    {"2001:10::1", Class::kNever},
    {"2001:db8::1", Class::kNever},
    {"2001:4860:4860::8888", Class::kPublic},
    {"2606:4700::1111", Class::kPublic},
    {"3fff::1", Class::kNever},
    {"5f00::1", Class::kNever},
    {"fbff:ffff::1", Class::kPublic},
    {"fc00::1", Class::kWhereListed},
    {"fd00::1", Class::kWhereListed},
    {"fd00:ec2::254", Class::kNever},
    {"fd20:ce::254", Class::kNever},
    {"fdff:ffff:ffff:ffff::1", Class::kWhereListed},
    {"fe00::1", Class::kPublic},
    {"fe80::1", Class::kNever},
    {"febf::1", Class::kNever},
    {"fec0::1", Class::kNever},
    {"ff02::1", Class::kNever},
    // IPv4 in IPv6 clothes: mapped, compatible, NAT64, local NAT64, 6to4, Teredo, ISATAP.
    {"::ffff:8.8.8.8", Class::kPublic},
    {"::ffff:127.0.0.1", Class::kWhereListed},
    {"::ffff:10.1.2.3", Class::kWhereListed},
    {"::ffff:169.254.169.254", Class::kNever},
    {"::ffff:a9fe:a9fe", Class::kNever},
    {"::127.0.0.1", Class::kNever},
    {"::8.8.8.8", Class::kNever},
    {"64:ff9b::8.8.8.8", Class::kPublic},
    {"64:ff9b::7f00:1", Class::kWhereListed},
    {"64:ff9b::10.0.0.1", Class::kWhereListed},
    {"64:ff9b::169.254.169.254", Class::kNever},
    {"64:ff9b:1::8.8.8.8", Class::kWhereListed},
    {"2002:0808:0808::1", Class::kPublic},
    {"2002:7f00:0001::1", Class::kWhereListed},
    {"2002:c0a8:0101::1", Class::kWhereListed},
    {"2002:a9fe:a9fe::1", Class::kNever},
    {"2001:0:808:808::f7f7:f7f7", Class::kPublic},       // client 8.8.8.8
    {"2001:0:808:808::5601:5601", Class::kNever},        // client 169.254.169.254
    {"2001:0:a9fe:a9fe::f7f7:f7f7", Class::kNever},      // server 169.254.169.254
    {"2001:0:808:808::80ff:fffe", Class::kWhereListed},  // client 127.0.0.1
    {"2606:4700::5efe:8.8.8.8", Class::kPublic},
    {"2606:4700::5efe:169.254.169.254", Class::kNever},
    {"2606:4700::200:5efe:10.0.0.1", Class::kWhereListed},
};

TEST(CheckAddress, KnowsEverySpecialRange) {
  const EgressPolicy by_default;
  const EgressPolicy everything = Allowing({"0.0.0.0/0", "::/0"});
  for (const AddressCase& c : kAddresses) {
    EXPECT_EQ(Check(by_default, c.address).ok(), c.expected == Class::kPublic)
        << c.address << " " << Check(by_default, c.address);
    EXPECT_EQ(Check(everything, c.address).ok(), c.expected != Class::kNever)
        << c.address << " " << Check(everything, c.address);
  }
}

TEST(CheckAddress, AllowsTheListedNetworkAlone) {
  const EgressPolicy policy = Allowing({"10.1.0.0/16", "fd12::/16"});
  EXPECT_THAT(Check(policy, "10.1.2.3"), IsOk());
  EXPECT_THAT(Check(policy, "::ffff:10.1.2.3"), IsOk());
  EXPECT_THAT(Check(policy, "64:ff9b::10.1.2.3"), IsOk());
  EXPECT_THAT(Check(policy, "fd12::9"), IsOk());
  EXPECT_THAT(Check(policy, "10.2.0.1"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Check(policy, "fd13::9"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Check(policy, "127.0.0.1"), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(CheckAddress, RefusesDeniedNetworksBeforeAnythingElse) {
  EgressPolicy policy = Allowing({"10.0.0.0/8"});
  policy.denied_networks.push_back(*ParseCidr("10.9.0.0/16"));
  policy.denied_networks.push_back(*ParseCidr("8.8.8.0/24"));
  EXPECT_THAT(Check(policy, "10.8.0.1"), IsOk());
  EXPECT_THAT(Check(policy, "10.9.0.1"),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("denied")));
  EXPECT_THAT(Check(policy, "8.8.8.8"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Check(policy, "2002:808:808::1"), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(CheckAddress, SaysWhichHostWhichAddressAndWhy) {
  EXPECT_THAT(Check({}, "64:ff9b::169.254.169.254"),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       "egress: files.example at 64:ff9b::a9fe:a9fe as NAT64 is a cloud's metadata "
                       "address, which is never connected to"));
  EXPECT_THAT(Check({}, "10.0.0.1"),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       "egress: files.example at 10.0.0.1 is private, and no network that the node "
                       "allows contains it"));
}

TEST(CheckDestination, KnowsSchemes) {
  EgressPolicy policy;
  EXPECT_THAT(CheckDestination(policy, "https", "example.org", 443), IsOk());
  EXPECT_THAT(CheckDestination(policy, "ssh", "example.org", 22), IsOk());
  for (const char* scheme : {"file", "ftp", "gopher", "", "HTTPS", "git", "dict", "ext"}) {
    EXPECT_THAT(CheckDestination(policy, scheme, "example.org", 443),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("scheme")))
        << scheme;
  }
  policy.schemes = {"https"};
  EXPECT_THAT(CheckDestination(policy, "http", "example.org", 80),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(CheckDestination, MatchesHostsWholeOrByTheirDomain) {
  EgressPolicy policy;
  policy.allowed_hosts = {"files.example.org", "*.cdn.example.net"};
  policy.denied_hosts = {"bad.cdn.example.net"};
  EXPECT_THAT(CheckDestination(policy, "https", "files.example.org", 443), IsOk());
  EXPECT_THAT(CheckDestination(policy, "https", "FILES.example.org.", 443), IsOk());
  EXPECT_THAT(CheckDestination(policy, "https", "a.cdn.example.net", 443), IsOk());
  EXPECT_THAT(CheckDestination(policy, "https", "a.b.cdn.example.net", 443), IsOk());
  for (const char* host :
       {"example.org", "xfiles.example.org", "files.example.org.evil.test", "cdn.example.net",
        "xcdn.example.net", "bad.cdn.example.net", "BAD.cdn.example.net.", "8.8.8.8"}) {
    EXPECT_THAT(CheckDestination(policy, "https", host, 443),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("host")))
        << host;
  }
}

TEST(CheckDestination, JudgesLiteralsAtOnce) {
  EXPECT_THAT(CheckDestination({}, "http", "169.254.169.254", 80),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("metadata")));
  EXPECT_THAT(CheckDestination({}, "http", "::ffff:127.0.0.1", 80),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("loopback")));
  EXPECT_THAT(CheckDestination({}, "http", "8.8.8.8", 80), IsOk());
}

TEST(CheckDestination, RefusesWhatResolversTakeForAnAddress) {
  for (const char* host : {"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.0x1",
                           "1.2.3.4.5", "localhost.1", "0x", "."}) {
    EXPECT_FALSE(CheckDestination(Allowing({"127.0.0.0/8"}), "http", host, 80).ok()) << host;
  }
}

TEST(CheckDestination, RefusesWhatIsNoHost) {
  const std::string with_nul("a\0b", 3);
  for (const std::string& host :
       {std::string(), std::string("a b"), std::string("a/b"), std::string("a@b"), with_nul,
        std::string("[::1]"), std::string("::1%lo"), std::string("a\nb"), std::string(254, 'a'),
        std::string("ex\xc3\xa4mple")}) {
    EXPECT_THAT(CheckDestination({}, "http", host, 80),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << host;
  }
  EXPECT_THAT(CheckDestination({}, "http", "a", 0), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(CheckDestination, ConnectsToTheProxyOfTheNodeAlone) {
  EgressPolicy policy;
  EXPECT_THAT(CheckDestination(policy, kProxyScheme, "10.0.0.1", 3128),
              StatusIs(absl::StatusCode::kPermissionDenied));
  policy.proxy_host = "10.0.0.1";
  policy.proxy_port = 3128;
  policy.allowed_hosts = {"files.example.org"};
  EXPECT_THAT(CheckDestination(policy, kProxyScheme, "10.0.0.1", 3128), IsOk());
  EXPECT_THAT(CheckDestination(policy, kProxyScheme, "10.0.0.1", 3129),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CheckDestination(policy, kProxyScheme, "10.0.0.2", 3128),
              StatusIs(absl::StatusCode::kPermissionDenied));
  // The proxy's address opens nothing else, and a metadata address is no proxy.
  EXPECT_THAT(CheckAddress(policy, "http", "x.test", *ParseIpAddress("10.0.0.1")),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CheckAddress(policy, kProxyScheme, "p.test", *ParseIpAddress("169.254.169.254")),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(ParseIpAddress, TakesTwoFormsAndNothingElse) {
  EXPECT_EQ(ParseIpAddress("::ffff:1.2.3.4")->ToString(), "1.2.3.4");
  EXPECT_EQ(ParseIpAddress("2001:DB8:0::1")->ToString(), "2001:db8::1");
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "[::1]", "fe80::1%1",
                           "::1 ", " 1.2.3.4", "1.2.3.4/8", "0x1.2.3.4"}) {
    EXPECT_FALSE(ParseIpAddress(text).ok()) << text;
  }
}

TEST(ParseCidr, RefusesWhatIsNoNetwork) {
  EXPECT_EQ(ParseCidr("10.0.0.0/8")->prefix, 104);
  EXPECT_EQ(ParseCidr("10.1.2.3")->prefix, 128);
  EXPECT_EQ(ParseCidr("::/0")->prefix, 0);
  for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x",
                           "fd00::1/8", "::/129", "/8", "x/8", "10.0.0.0/+8"}) {
    EXPECT_FALSE(ParseCidr(text).ok()) << text;
  }
}

TEST(Cidr, ContainsToTheBit) {
  const Cidr cidr = *ParseCidr("10.64.0.0/11");
  EXPECT_TRUE(cidr.Contains(*ParseIpAddress("10.95.255.255")));
  EXPECT_FALSE(cidr.Contains(*ParseIpAddress("10.96.0.0")));
  EXPECT_FALSE(cidr.Contains(*ParseIpAddress("10.63.255.255")));
  EXPECT_FALSE(cidr.Contains(*ParseIpAddress("::a:4000:0")));
}

}  // namespace
}  // namespace cloister::artifact
