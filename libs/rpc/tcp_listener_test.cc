#include "libs/rpc/tcp_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "absl/status/status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/address.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

bool V4LoopbackAnswers(uint16_t port) {
  const OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

TEST(TcpListener, TellsThePortThatTheKernelChose) {
  const auto listener = TcpListener::Listen(*ParseAddress("127.0.0.1:0"));
  ASSERT_THAT(listener, IsOk());
  EXPECT_EQ(listener->address().host(), "127.0.0.1");
  EXPECT_NE(listener->address().port(), 0);
  EXPECT_TRUE(V4LoopbackAnswers(listener->address().port()));
}

TEST(TcpListener, V6AnyTakesV4Too) {
  const auto listener = TcpListener::Listen(*ParseAddress("[::]:0"));
  if (!listener.ok()) GTEST_SKIP() << "no IPv6 here: " << listener.status();
  EXPECT_TRUE(V4LoopbackAnswers(listener->address().port()));
}

TEST(TcpListener, DescriptorsDoNotReachProgramsThatWeExecute) {
  const auto listener = TcpListener::Listen(*ParseAddress("127.0.0.1:0"));
  ASSERT_THAT(listener, IsOk());
  EXPECT_NE(fcntl(listener->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(TcpListener, APortIsNotShared) {
  const auto first = TcpListener::Listen(*ParseAddress("127.0.0.1:0"));
  ASSERT_THAT(first, IsOk());
  const auto second = TcpListener::Listen(first->address());
  EXPECT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(first->address().ToString()));
}

TEST(TcpListener, AnAddressThatIsNotOursIsReported) {
  const auto listener = TcpListener::Listen(*ParseAddress("192.0.2.1:0"));
  EXPECT_FALSE(listener.ok());
  EXPECT_THAT(std::string(listener.status().message()), HasSubstr("cannot listen on 192.0.2.1:0"));
}

TEST(TcpListener, ANameIsRefused) {
  EXPECT_THAT(TcpListener::Listen(*ParseAddress("localhost:0")),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cloister::rpc
