// Where a broker connects to for a hostile cell: names are resolved by files and a name server of
// the test's own, which are mounted over the node's in a mount namespace of this process.
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/egress_policy.h"
#include "libs/artifact/retryable.h"
#include "libs/base/status_matchers.h"
#include "tests/fetcher/fetcher_fixture.h"
#include "tests/fetcher/loopback_servers.h"

namespace cloister {
namespace {

using testing::HasSubstr;

// Of this process's own: port 53 of an address is taken once, and two of these may run at once.
std::string NameServerAddress() {
  return absl::StrCat("127.77.", getpid() >> 8 & 0xff, ".", getpid() & 0xff);
}

constexpr char kHosts[] =
    "127.0.0.1 loop.test\n"
    "169.254.169.254 metadata.test\n"
    "10.1.2.3 private.test\n"
    "::ffff:169.254.169.254 mapped.test\n";

class BrokerTest : public FetcherFixture {
 protected:
  void AllowLoopback() {
    options().egress.allowed_networks = {*artifact::ParseCidr("127.0.0.0/8")};
  }
  absl::Status Connect(const std::string& host, uint16_t port, int count = 1,
                       const std::string& scheme = "http") {
    return Probe("connect", {{"host", host},
                             {"port", absl::StrCat(port)},
                             {"count", absl::StrCat(count)},
                             {"scheme", scheme}})
        .watch->Await()
        .status();
  }
};

TEST_F(BrokerTest, ASocketIsPassedInWhereThePolicyLets) {
  AllowLoopback();
  LineServer server("hello=there\n");
  const RunningFetch fetch =
      Probe("connect", {{"host", "loop.test"}, {"port", absl::StrCat(server.port())}});
  ASSERT_THAT(fetch.watch->Await(), IsOk());
  EXPECT_EQ(fetch.Found().at("hello"), "there");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(BrokerTest, ByDefaultTheNodeItselfIsRefused) {
  LineServer server("hello\n");
  for (const char* host : {"loop.test", "127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_THAT(Connect(host, server.port()), StatusIs(absl::StatusCode::kPermissionDenied))
        << host;
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(BrokerTest, MetadataIsRefusedUnderAnyName) {
  AllowLoopback();
  for (const char* host :
       {"metadata.test", "mapped.test", "169.254.169.254", "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "private.test"}) {
    EXPECT_THAT(Connect(host, 80), StatusIs(absl::StatusCode::kPermissionDenied)) << host;
  }
}

TEST_F(BrokerTest, ANameThatChangesItsAddressIsJudgedByTheAddress) {
  AllowLoopback();
  LineServer server("hello\n");
  std::atomic<int> asked{0};
  const NameServer names(NameServerAddress(), [&asked](const std::string& name) -> std::string {
    if (name != "rebind.test") return "";
    return asked++ == 0 ? "127.0.0.1" : "169.254.169.254";
  });
  const absl::Status status = Connect("rebind.test", server.port(), 2);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("169.254.169.254")));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(asked, 2);
}

TEST_F(BrokerTest, ANameThatIsNotThereIsNotFound) {
  const NameServer names(NameServerAddress(), [](const std::string&) { return ""; });
  EXPECT_THAT(Connect("nobody.test", 80), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(BrokerTest, SchemesAreThePolicys) {
  AllowLoopback();
  LineServer server("hello\n");
  EXPECT_THAT(Connect("loop.test", server.port(), 1, "gopher"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Connect("loop.test", server.port(), 1, "proxy"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(BrokerTest, ConnectionsAreCounted) {
  AllowLoopback();
  options().connections = 3;
  LineServer server("hello\n");
  EXPECT_THAT(Connect("loop.test", server.port(), 3), IsOk());
  EXPECT_THAT(Connect("loop.test", server.port(), 4),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 3 connections")));
  EXPECT_EQ(server.connections(), 6);
}

TEST_F(BrokerTest, WhatCannotBeReachedCanBeTriedAgain) {
  AllowLoopback();
  uint16_t port = 0;
  {
    const LineServer gone("");
    port = gone.port();
  }
  const absl::Status status = Connect("loop.test", port);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(artifact::IsRetryable(status));
}

bool MountOver(const std::string& directory, const std::string& path, const std::string& text) {
  const std::string file = absl::StrCat(directory, path.substr(path.rfind('/')));
  std::ofstream(file) << text;
  return mount(file.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) == 0;
}

bool MountNames() {
  if (geteuid() != 0) return true;  // The tests say so.
  char directory[] = "/tmp/cloister-names-XXXXXX";
  const bool mounted =
      mkdtemp(directory) != nullptr && unshare(CLONE_NEWNS) == 0 &&
      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
      mount("tmpfs", directory, "tmpfs", 0, nullptr) == 0 &&
      MountOver(directory, "/etc/hosts", absl::StrCat("127.0.0.1 localhost\n", kHosts)) &&
      MountOver(directory, "/etc/nsswitch.conf", "hosts: files dns\n") &&
      MountOver(
          directory, "/etc/resolv.conf",
          absl::StrCat("nameserver ", NameServerAddress(), "\noptions attempts:1 timeout:5\n"));
  umount2(directory, MNT_DETACH);
  rmdir(directory);
  return mounted;
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  if (!cloister::MountNames()) {
    std::perror("names of the test's own");
    return 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
