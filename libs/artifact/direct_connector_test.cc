#include "libs/artifact/direct_connector.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "absl/time/clock.h"
#include "libs/artifact/retryable.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using ::testing::HasSubstr;

EgressPolicy WithLoopback() {
  EgressPolicy policy;
  policy.allowed_networks = {*ParseCidr("127.0.0.0/8")};
  return policy;
}

Resolver Answers(const std::vector<std::string>& addresses) {
  return [addresses](const std::string&) -> absl::StatusOr<std::vector<IpAddress>> {
    std::vector<IpAddress> list;
    for (const std::string& address : addresses) list.push_back(*ParseIpAddress(address));
    return list;
  };
}

TEST(DirectConnector, ConnectsToWhatIsAllowed) {
  const LoopbackListener listener = ListenOnLoopback();
  DirectConnector connector(WithLoopback(), absl::Seconds(5));
  const absl::StatusOr<OwnedFd> fd = connector.Connect("http", "127.0.0.1", listener.port);
  ASSERT_THAT(fd, IsOk());
  OwnedFd accepted(accept(listener.fd.get(), nullptr, nullptr));
  EXPECT_TRUE(SendAll(fd->get(), "x"));
  char byte = 0;
  EXPECT_EQ(recv(accepted.get(), &byte, 1, 0), 1);
}

TEST(DirectConnector, GivesASocketOnWhichOneMoreConnectSucceeds) {
  const LoopbackListener listener = ListenOnLoopback();
  DirectConnector connector(WithLoopback(), absl::Seconds(5));
  const absl::StatusOr<OwnedFd> fd = connector.Connect("http", "127.0.0.1", listener.port);
  ASSERT_THAT(fd, IsOk());
  sockaddr_in nowhere = {};
  nowhere.sin_family = AF_INET;
  nowhere.sin_port = htons(9);
  nowhere.sin_addr.s_addr = htonl(0xc0000201);
  EXPECT_EQ(connect(fd->get(), reinterpret_cast<const sockaddr*>(&nowhere), sizeof(nowhere)), 0);
  OwnedFd accepted(accept(listener.fd.get(), nullptr, nullptr));
  EXPECT_TRUE(SendAll(fd->get(), "x"));
  char byte = 0;
  EXPECT_EQ(recv(accepted.get(), &byte, 1, 0), 1);
}

TEST(DirectConnector, ByDefaultConnectsToNoLoopback) {
  const LoopbackListener listener = ListenOnLoopback();
  DirectConnector connector(EgressPolicy(), absl::Seconds(5));
  for (const char* host : {"127.0.0.1", "localhost", "::ffff:127.0.0.1"}) {
    EXPECT_THAT(connector.Connect("http", host, listener.port).status(),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("loopback")))
        << host;
  }
}

TEST(DirectConnector, ChecksTheAddressThatTheNameHasNow) {
  DirectConnector connector(WithLoopback(), absl::Seconds(5),
                            Answers({"169.254.169.254", "10.0.0.1"}));
  EXPECT_THAT(connector.Connect("http", "files.test", 80).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("169.254.169.254")));
}

TEST(DirectConnector, PassesOverRefusedAndDeadAddresses) {
  const LoopbackListener listener = ListenOnLoopback();
  DirectConnector connector(WithLoopback(), absl::Seconds(5),
                            Answers({"10.0.0.1", "127.0.0.2", "127.0.0.1"}));
  EXPECT_THAT(connector.Connect("http", "files.test", listener.port), IsOk());
}

TEST(DirectConnector, SaysThatAnotherTryCanHelpWhereItCan) {
  uint16_t closed_port = ListenOnLoopback().port;
  DirectConnector connector(WithLoopback(), absl::Seconds(5));
  const absl::Status refused = connector.Connect("http", "127.0.0.1", closed_port).status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("refused")));
  EXPECT_TRUE(IsRetryable(refused));
  EXPECT_FALSE(IsRetryable(connector.Connect("http", "10.0.0.1", 80).status()));
  DirectConnector nobody(WithLoopback(), absl::Seconds(5), Answers({}));
  EXPECT_THAT(nobody.Connect("http", "files.test", 80).status(),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(DirectConnector, GivesUpAtItsTimeout) {
  // A listener whose queue is full swallows further connections.
  const LoopbackListener listener = ListenOnLoopback();
  ASSERT_EQ(listen(listener.fd.get(), 0), 0);
  DirectConnector connector(WithLoopback(), absl::Milliseconds(200));
  std::vector<OwnedFd> queued;
  for (int i = 0; i < 8; ++i) {
    absl::StatusOr<OwnedFd> fd = connector.Connect("http", "127.0.0.1", listener.port);
    if (fd.ok()) {
      queued.push_back(*std::move(fd));
      continue;
    }
    EXPECT_THAT(fd.status(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("timed out")));
    EXPECT_TRUE(IsRetryable(fd.status()));
    return;
  }
  FAIL() << "every connection was taken";
}

}  // namespace
}  // namespace cloister::artifact
