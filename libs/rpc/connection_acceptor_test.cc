#include "libs/rpc/connection_acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/address.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/tcp_listener.h"
#include "libs/rpc/unix_listener.h"

namespace cloister::rpc {
namespace {

constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// What the acceptor delivered, for the test's thread to wait on.
class Delivered {
 public:
  ConnectionAcceptor::Deliver Callback() {
    return [this](OwnedFd fd) {
      absl::MutexLock lock(&mutex_);
      fds_.push_back(std::move(fd));
    };
  }
  OwnedFd Next() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](std::vector<OwnedFd>* fds) { return !fds->empty(); }, &fds_));
    OwnedFd fd = std::move(fds_.front());
    fds_.erase(fds_.begin());
    return fd;
  }
  size_t size() {
    absl::MutexLock lock(&mutex_);
    return fds_.size();
  }

 private:
  absl::Mutex mutex_;
  std::vector<OwnedFd> fds_;
};

// Waits until the other end has closed.
void AwaitClosed(int fd) {
  pollfd event = {fd, POLLRDHUP, 0};
  ASSERT_EQ(poll(&event, 1, -1), 1);
  EXPECT_NE(event.revents & (POLLRDHUP | POLLHUP), 0);
}

void Send(const OwnedFd& fd, absl::string_view bytes) {
  ASSERT_EQ(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

class ConnectionAcceptorTest : public ::testing::Test {
 protected:
  ConnectionAcceptorTest() {
    EXPECT_NE(mkdtemp(directory_), nullptr);
    listener_ = *UnixListener::Listen(absl::StrCat(directory_, "/s"));
  }
  ~ConnectionAcceptorTest() override {
    acceptor_.reset();
    listener_.reset();
    EXPECT_EQ(rmdir(directory_), 0);
  }

  void Start(const ConnectionLimits& limits = {}, PeerPolicy peers = {geteuid(), 65534, {}}) {
    auto acceptor = ConnectionAcceptor::Start({{listener_->fd(), true, delivered_.Callback()}},
                                              limits, std::move(peers));
    ASSERT_THAT(acceptor, IsOk());
    acceptor_ = *std::move(acceptor);
  }

  static OwnedFd NewSocket() { return OwnedFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

  void Connect(const OwnedFd& fd) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, listener_->path().c_str(), sizeof(address.sun_path) - 1);
    ASSERT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  OwnedFd Client() {
    OwnedFd fd = NewSocket();
    Connect(fd);
    return fd;
  }

  // One that was let in, and both its ends.
  std::pair<OwnedFd, OwnedFd> DeliveredClient() {
    OwnedFd client = Client();
    Send(client, kPreface);
    return {std::move(client), delivered_.Next()};
  }

  // The acceptor's thread has gone through all that was ready before.
  void AwaitOpen(size_t open) {
    while (acceptor_->counters().open != open) sched_yield();
  }

  char directory_[32] = "/tmp/acceptor_XXXXXX";
  std::unique_ptr<UnixListener> listener_;
  Delivered delivered_;
  std::unique_ptr<ConnectionAcceptor> acceptor_;
};

TEST_F(ConnectionAcceptorTest, DeliversWithThePrefaceStillUnread) {
  Start();
  const auto [client, server] = DeliveredClient();
  char bytes[64];
  EXPECT_EQ(recv(server.get(), bytes, sizeof(bytes), 0), static_cast<ssize_t>(kPreface.size()));
  EXPECT_EQ(absl::string_view(bytes, kPreface.size()), kPreface);
  EXPECT_EQ(acceptor_->counters().delivered, 1u);
  EXPECT_EQ(acceptor_->counters().open, 1u);
}

TEST_F(ConnectionAcceptorTest, DeliversDescriptorsThatDoNotBlockNorReachProgramsThatWeExecute) {
  Start();
  const auto [client, server] = DeliveredClient();
  EXPECT_NE(fcntl(server.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(fcntl(server.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(ConnectionAcceptorTest, ThePrefaceMayComeInPieces) {
  Start();
  const OwnedFd client = Client();
  Send(client, kPreface.substr(0, 5));
  Send(client, kPreface.substr(5, 18));
  Send(client, kPreface.substr(23));
  EXPECT_TRUE(delivered_.Next().valid());
}

TEST_F(ConnectionAcceptorTest, APeerThatMayNotIsClosedAndNeverDelivered) {
  // Whoever runs this test is the overflow uid: refused, root or not.
  Start({}, {geteuid(), geteuid(), {}});
  const OwnedFd client = Client();
  AwaitClosed(client.get());
  EXPECT_EQ(acceptor_->counters().refused_peer, 1u);
  EXPECT_EQ(acceptor_->counters().open, 0u);
  EXPECT_EQ(delivered_.size(), 0u);
}

TEST_F(ConnectionAcceptorTest, APeerThatIsListedIsLetIn) {
  Start({}, {geteuid() + 1, geteuid(), {geteuid()}});
  EXPECT_TRUE(DeliveredClient().second.valid());
}

TEST_F(ConnectionAcceptorTest, APeerThatSpeaksSomethingElseIsClosed) {
  Start();
  for (absl::string_view words : {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", "PRI * HTTP/2.1"}) {
    const OwnedFd client = Client();
    Send(client, words);
    AwaitClosed(client.get());
  }
  EXPECT_EQ(acceptor_->counters().refused_preface, 3u);
  EXPECT_EQ(delivered_.size(), 0u);
}

TEST_F(ConnectionAcceptorTest, APeerThatSaysNothingIsClosedInTime) {
  ConnectionLimits limits;
  limits.preface_timeout = absl::Milliseconds(20);
  Start(limits);
  const OwnedFd silent = Client();
  const OwnedFd slow = Client();
  Send(slow, kPreface.substr(0, 23));
  AwaitClosed(silent.get());
  AwaitClosed(slow.get());
  EXPECT_EQ(acceptor_->counters().refused_preface, 2u);
}

TEST_F(ConnectionAcceptorTest, AConnectionThatSpokeInTimeStaysOpen) {
  ConnectionLimits limits;
  limits.preface_timeout = absl::Milliseconds(20);
  Start(limits);
  const auto [client, server] = DeliveredClient();
  const OwnedFd silent = Client();
  AwaitClosed(silent.get());  // So the time of the first has passed, too.
  pollfd event = {client.get(), POLLRDHUP, 0};
  EXPECT_EQ(poll(&event, 1, 0), 0);
  EXPECT_EQ(acceptor_->counters().open, 1u);
}

TEST_F(ConnectionAcceptorTest, APeerThatLeavesBeforeSpeakingIsForgotten) {
  Start();
  Client();
  {
    const OwnedFd client = Client();
    Send(client, kPreface.substr(0, 3));
  }
  while (acceptor_->counters().refused_preface != 2) sched_yield();
  AwaitOpen(0);
}

TEST_F(ConnectionAcceptorTest, OverTheLimitIsClosedAndASlotIsFreeAgainWhenTheClientLeaves) {
  ConnectionLimits limits;
  limits.max_connections = 2;
  Start(limits);
  auto first = DeliveredClient();
  const auto second = DeliveredClient();
  const OwnedFd third = Client();
  AwaitClosed(third.get());
  EXPECT_EQ(acceptor_->counters().refused_limit, 1u);
  first.first.reset();
  AwaitOpen(1);
  EXPECT_TRUE(DeliveredClient().second.valid());
}

TEST_F(ConnectionAcceptorTest, ASlotIsFreeAgainWhenTheServerShutsDown) {
  ConnectionLimits limits;
  limits.max_connections = 1;
  Start(limits);
  const auto first = DeliveredClient();
  ASSERT_EQ(shutdown(first.second.get(), SHUT_RDWR), 0);
  AwaitOpen(0);
  EXPECT_TRUE(DeliveredClient().second.valid());
}

TEST_F(ConnectionAcceptorTest, OneUidCannotTakeAllConnections) {
  ConnectionLimits limits;
  limits.max_connections_per_uid = 1;
  Start(limits);
  const auto first = DeliveredClient();
  const OwnedFd second = Client();
  AwaitClosed(second.get());
  EXPECT_EQ(acceptor_->counters().refused_limit, 1u);
}

TEST_F(ConnectionAcceptorTest, GoesOnAfterDescriptorsRanOut) {
  Start();
  std::vector<OwnedFd> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(NewSocket());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest_free = OwnedFd(dup(0)).get();
  const rlimit none = {static_cast<rlim_t>(lowest_free), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  for (const OwnedFd& client : clients) Connect(client);
  for (const OwnedFd& client : clients) AwaitClosed(client.get());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_GE(acceptor_->counters().out_of_descriptors, clients.size());
  EXPECT_TRUE(DeliveredClient().second.valid());
}

TEST_F(ConnectionAcceptorTest, StopClosesWhatWasNotDeliveredAndKeepsTheRest) {
  Start();
  const auto [client, server] = DeliveredClient();
  const OwnedFd pending = Client();
  AwaitOpen(2);
  acceptor_->Stop();
  AwaitClosed(pending.get());
  Send(client, "x");
  acceptor_->Stop();
}

TEST_F(ConnectionAcceptorTest, TcpIsDeliveredAtOnceAndCounted) {
  const auto tcp = TcpListener::Listen(*ParseAddress("127.0.0.1:0"));
  ASSERT_THAT(tcp, IsOk());
  ConnectionLimits limits;
  limits.max_connections = 1;
  auto acceptor = ConnectionAcceptor::Start({{tcp->fd(), false, delivered_.Callback()}}, limits,
                                            {geteuid(), 65534, {}});
  ASSERT_THAT(acceptor, IsOk());
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(tcp->address().port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  OwnedFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const OwnedFd server = delivered_.Next();
  const OwnedFd second(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(second.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  AwaitClosed(second.get());
  EXPECT_EQ((*acceptor)->counters().refused_limit, 1u);
  client.reset();
  while ((*acceptor)->counters().open != 0) sched_yield();
}

}  // namespace
}  // namespace cloister::rpc
