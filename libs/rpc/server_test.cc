#include "libs/rpc/server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cloister/probe/probe.grpc.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/base/error_reason.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/address.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/error_details.h"
#include "libs/rpc/status_conversion.h"
#include "libs/rpc/testing/probe_server.h"
#include "tests/testing/test_ca.h"

namespace cloister::rpc {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A server and a client on each of the three ways to connect.
struct Transport {
  const char* name;
  const char* address;
  bool dev_mode;
  bool tls;
};

class TransportTest : public ::testing::TestWithParam<Transport> {
 protected:
  TransportTest() : ca_(*TestCa::Create(directory_.path())) {
    const Transport& transport = GetParam();
    ProbeServer::Setup setup;
    setup.dev_mode = transport.dev_mode;
    setup.options.listen = {transport.address == nullptr ? directory_.Socket()
                                                         : *ParseAddress(transport.address)};
    dial_.dev_mode = transport.dev_mode;
    if (transport.tls) {
      setup.options.tls = *ca_.Issue("frontend", "f1");
      dial_.tls = *ca_.Issue("client", "alice");
      dial_.expected = {{Role::kFrontend}, "f1"};
    }
    auto server = ProbeServer::Start(std::move(setup));
    EXPECT_THAT(server, IsOk());
    server_ = *std::move(server);
    channel_ = NewChannel();
    stub_ = probe::ProbeService::NewStub(channel_);
  }

  std::shared_ptr<grpc::Channel> NewChannel() { return DialOrDie(server_->address(), dial_); }

  ShortDirectory directory_;
  TestCa ca_;
  ChannelOptions dial_;
  std::unique_ptr<ProbeServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<probe::ProbeService::Stub> stub_;
};

INSTANTIATE_TEST_SUITE_P(Transports, TransportTest,
                         ::testing::Values(Transport{"Unix", nullptr, false, false},
                                           Transport{"MutualTls", "127.0.0.1:0", false, true},
                                           Transport{"DevPlaintext", "127.0.0.1:0", true, false}),
                         [](const auto& info) { return info.param.name; });

TEST_P(TransportTest, EachKindOfCallIsServed) {
  EXPECT_EQ(Echo(channel_, "hello")->text(), "hello");

  grpc::ClientContext count_context;
  probe::CountRequest count;
  count.set_count(1000);
  const auto numbers = stub_->Count(&count_context, count);
  probe::CountResponse number;
  int last = 0;
  while (numbers->Read(&number)) EXPECT_EQ(number.number(), ++last);
  EXPECT_EQ(last, 1000);
  EXPECT_TRUE(numbers->Finish().ok());

  grpc::ClientContext collect_context;
  probe::CollectResponse collected;
  const auto collector = stub_->Collect(&collect_context, &collected);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(collector->Write(probe::CollectRequest()));
  collector->WritesDone();
  EXPECT_TRUE(collector->Finish().ok());
  EXPECT_EQ(collected.count(), 10);

  grpc::ClientContext chat_context;
  const auto chat = stub_->Chat(&chat_context);
  probe::ChatRequest said;
  said.set_text("hi");
  EXPECT_TRUE(chat->Write(said));
  probe::ChatResponse heard;
  EXPECT_TRUE(chat->Read(&heard));
  EXPECT_EQ(heard.text(), "hi");
  chat->WritesDone();
  EXPECT_TRUE(chat->Finish().ok());
}

TEST_P(TransportTest, HandlersKnowWhoCalls) {
  const auto response = Echo(channel_);
  ASSERT_THAT(response, IsOk());
  const std::string expected = GetParam().tls        ? "client/alice"
                               : GetParam().dev_mode ? "dev"
                                                     : absl::StrCat("uid:", geteuid());
  EXPECT_EQ(response->caller(), expected);
  EXPECT_EQ(response->principal(), expected);
}

TEST_P(TransportTest, ManyBlockedCallsHoldNoThreads) {
  constexpr int kCalls = 2000;
  const auto count_threads = [] {
    int count = 0;
    DIR* tasks = opendir("/proc/self/task");
    while (readdir(tasks) != nullptr) ++count;
    closedir(tasks);
    return count;
  };
  ASSERT_THAT(Echo(channel_), IsOk());
  const int before = count_threads();
  std::vector<std::unique_ptr<BlockCall>> calls;
  for (int i = 0; i < kCalls; ++i) calls.push_back(std::make_unique<BlockCall>(stub_.get()));
  server_->probe().AwaitBlocked(kCalls);
  EXPECT_LT(count_threads(), before + 20);
  EXPECT_EQ(server_->server().connections().open, 1u);
  server_->probe().Release();
  for (const auto& call : calls) EXPECT_THAT(call->Await(), IsOk());
}

TEST_P(TransportTest, DrainEndsBlockedCallsAndStreamsAtOnceWithARetryDelay) {
  BlockCall blocked(stub_.get());
  server_->probe().AwaitBlocked(1);
  grpc::ClientContext context;
  probe::CountRequest count;
  count.set_count(-1);
  const auto numbers = stub_->Count(&context, count);
  probe::CountResponse number;
  ASSERT_TRUE(numbers->Read(&number));
  server_->server().Drain(kTestTimeout);  // A test that waits for it fails by its own time limit.
  const absl::Status block_status = blocked.Await();
  EXPECT_FALSE(numbers->Read(&number));
  const absl::Status stream_status = FromGrpcStatus(numbers->Finish());
  for (const absl::Status& status : {block_status, stream_status}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_EQ(GetReason(status), "SHUTTING_DOWN");
    EXPECT_EQ(GetRetryDelay(status), absl::Seconds(1));
  }
}

TEST_P(TransportTest, DrainCutsOffWhatDoesNotEndInTime) {
  server_->probe().Ignore();
  BlockCall blocked(stub_.get());
  server_->probe().AwaitBlocked(1);
  std::thread drainer([this] { server_->server().Drain(absl::Milliseconds(20)); });
  EXPECT_THAT(blocked.Await(), StatusIs(absl::StatusCode::kUnavailable));
  server_->probe().Release();  // Until the handler is done, Drain does not return.
  drainer.join();
}

TEST_P(TransportTest, AfterADrainNobodyIsServed) {
  ASSERT_THAT(Echo(channel_), IsOk());
  server_->server().Drain(kTestTimeout);
  EXPECT_THAT(Echo(channel_), StatusIs(absl::StatusCode::kUnavailable));
  struct stat info;
  EXPECT_NE(stat(directory_.Socket().path().c_str(), &info), 0);
}

TEST_P(TransportTest, ADrainedServerMayBeDrainedAgainAndDestroyed) {
  server_->server().Drain(kTestTimeout);
  server_->server().Drain(kTestTimeout);
  server_.reset();
}

TEST_P(TransportTest, AServerThatIsDestroyedEndsItsCalls) {
  BlockCall blocked(stub_.get());
  server_->probe().AwaitBlocked(1);
  server_.reset();
  EXPECT_THAT(blocked.Await(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(TransportTest, ALargeMessageIsNotSent) {
  EXPECT_THAT(Echo(channel_, std::string(kMaxMessageBytes + 1, 'x')),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Echo(channel_, std::string(kMaxMessageBytes - 100000, 'x')), IsOk());
}

TEST_P(TransportTest, LargeMetadataIsRefusedAndTheServerGoesOn) {
  grpc::ClientContext context;
  context.AddMetadata("x-large", std::string(kMaxMetadataBytes + 1, 'x'));
  probe::EchoResponse response;
  EXPECT_THAT(FromGrpcStatus(stub_->Echo(&context, probe::EchoRequest(), &response)),
              StatusIs(absl::StatusCode::kResourceExhausted));
  // gRPC 1.51 may close the connection: its header tables are no longer the same at both ends
  // (CVE-2024-7246 and its kin).
  EXPECT_THAT(Echo(NewChannel()), IsOk());
}

TEST_P(TransportTest, HealthAndItsWatchFollowTheServer) {
  const auto health = grpc::health::v1::Health::NewStub(channel_);
  grpc::ClientContext context;
  const auto watch = health->Watch(&context, grpc::health::v1::HealthCheckRequest());
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  server_->server().Drain(kTestTimeout);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_THAT(FromGrpcStatus(watch->Finish()), StatusIs(absl::StatusCode::kUnavailable));
}

// Calls a method by a path as it is, which no stub would send.
absl::Status CallPath(const std::shared_ptr<grpc::Channel>& channel, const std::string& path) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  const grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  absl::Mutex mutex;
  bool done = false;
  grpc::Status status;
  grpc::Slice nothing;
  grpc::ByteBuffer empty(&nothing, 1);
  stub.UnaryCall(&context, path, grpc::StubOptions(), &empty, &response, [&](grpc::Status s) {
    absl::MutexLock lock(&mutex);
    status = std::move(s);
    done = true;
  });
  absl::MutexLock lock(&mutex);
  mutex.Await(absl::Condition(&done));
  return FromGrpcStatus(status);
}

TEST_P(TransportTest, NoSpellingOfAPathPassesTheGuard) {
  EXPECT_THAT(CallPath(channel_, "/cloister.probe.ProbeService/Echo"), IsOk());
  const int calls = server_->probe().calls();
  EXPECT_THAT(CallPath(channel_, "/cloister.probe.ProbeService/Unlisted"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  for (const char* path :
       {"cloister.probe.ProbeService/Unlisted", "//cloister.probe.ProbeService/Unlisted",
        "/cloister.probe.ProbeService//Unlisted", "/cloister.probe.ProbeService%2FUnlisted",
        "/cloister.probe.probeservice/unlisted", "/cloister.probe.ProbeService/Unlisted/",
        "/cloister.probe.ProbeService/Unlisted?x", "/x/../cloister.probe.ProbeService/Unlisted",
        "cloister.probe.ProbeService/Echo", "/cloister.probe.ProbeService/echo", "/", ""}) {
    EXPECT_FALSE(CallPath(channel_, path).ok()) << path;
  }
  EXPECT_EQ(server_->probe().calls(), calls);
  EXPECT_FALSE(server_->probe().unlisted_ran());
}

// The sender is a channel that knows no limit of ours.
TEST(Server, RefusesALargeMessageAndTheConnectionGoesOn) {
  const ShortDirectory directory;
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  const auto channel =
      grpc::CreateChannel(directory.Socket().ToString(), grpc::InsecureChannelCredentials());
  EXPECT_THAT(Echo(channel, std::string(kMaxMessageBytes + 1, 'x')),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Echo(channel), IsOk());
  EXPECT_EQ((*server)->probe().calls(), 1);
}

TEST(Server, ListensOnSeveralAddressesAtOnce) {
  const ShortDirectory directory;
  ProbeServer::Setup setup;
  setup.dev_mode = true;
  setup.options.listen = {directory.Socket(), *ParseAddress("127.0.0.1:0"),
                          *ParseAddress("127.0.0.1:0")};
  const auto server = ProbeServer::Start(std::move(setup));
  ASSERT_THAT(server, IsOk());
  const auto& addresses = (*server)->server().addresses();
  ASSERT_EQ(addresses.size(), 3u);
  EXPECT_NE(addresses[1].port(), addresses[2].port());
  EXPECT_THAT(Echo(DialOrDie(addresses[0]))->caller(), StartsWith("uid:"));
  EXPECT_EQ(Echo(DialOrDie(addresses[1]))->caller(), "dev");
  EXPECT_EQ(Echo(DialOrDie(addresses[2]))->caller(), "dev");
}

TEST(Server, NeedsAnAddress) {
  EXPECT_THAT(ProbeServer::Start(ProbeServer::Setup()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Server, RefusesToListenWhereStrangersGetInAndLeavesNothing) {
  const ShortDirectory directory;
  ProbeServer::Setup setup;
  setup.options.listen = {directory.Socket(), *ParseAddress("127.0.0.1:0")};
  EXPECT_THAT(ProbeServer::Start(std::move(setup)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("without TLS")));
  struct stat info;
  EXPECT_NE(stat(directory.Socket().path().c_str(), &info), 0);
}

TEST(Server, LeavesASocketThatIsInUse) {
  const ShortDirectory directory;
  const auto first = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(ProbeServer::Start(directory.Socket()), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Echo(DialOrDie(directory.Socket())), IsOk());
}

TEST(Server, TheSocketIsForItsOwnerOnly) {
  const ShortDirectory directory;
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  struct stat info;
  ASSERT_EQ(stat(directory.Socket().path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600);
}

TEST(Server, APeerThatMayNotIsCutOffBeforeItSpeaks) {
  const ShortDirectory directory;
  ProbeServer::Setup setup;
  setup.options.listen = {directory.Socket()};
  // Whoever runs this is the overflow uid.
  setup.peers = {geteuid(), geteuid(), {}};
  const auto server = ProbeServer::Start(std::move(setup));
  ASSERT_THAT(server, IsOk());
  EXPECT_THAT(Echo(DialOrDie(directory.Socket())), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_GE((*server)->server().connections().refused_peer, 1u);
  EXPECT_EQ((*server)->probe().calls(), 0);
}

// What call_principal.h relies on: the number of a connection's descriptor is not used again while
// one of its calls lives, so that it cannot come to name somebody else.
TEST(Server, AConnectionsDescriptorStaysOpenAsLongAsACallOnItLives) {
  const ShortDirectory directory;
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  ProbeService& probe = (*server)->probe();
  probe.Ignore();
  {
    const auto stub = probe::ProbeService::NewStub(DialOrDie(directory.Socket()));
    BlockCall call(stub.get());
    probe.AwaitBlocked(1);
    call.context.TryCancel();
    EXPECT_FALSE(call.Await().ok());
  }  // The client is gone, connection and all.
  while ((*server)->server().connections().open != 0) sched_yield();
  const std::string peer = probe.blocked_peer();
  ASSERT_THAT(peer, StartsWith("fd:"));
  int fd = -1;
  ASSERT_TRUE(absl::SimpleAtoi(peer.substr(3), &fd));
  for (int i = 0; i < 20; ++i) {
    const auto other = Echo(DialOrDie(directory.Socket()));
    ASSERT_THAT(other, IsOk());
    EXPECT_NE(other->peer(), peer);
  }
  EXPECT_GE(fcntl(fd, F_GETFD), 0);
  probe.Release();
  probe.AwaitUnblocked();
  while (fcntl(fd, F_GETFD) >= 0) sched_yield();
}

TEST(Server, ClosedConnectionsAreNoLongerCounted) {
  const ShortDirectory directory;
  ProbeServer::Setup setup;
  setup.options.listen = {directory.Socket()};
  setup.options.connections.max_connections = 2;
  const auto server = ProbeServer::Start(std::move(setup));
  ASSERT_THAT(server, IsOk());
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Echo(DialOrDie(directory.Socket())), IsOk());
    while ((*server)->server().connections().open != 0) sched_yield();
  }
  EXPECT_EQ((*server)->server().connections().refused_limit, 0u);
}

TEST(Server, ATcpPeerThatSaysNothingIsClosedInTime) {
  ProbeServer::Setup setup;
  setup.dev_mode = true;
  setup.options.listen = {*ParseAddress("127.0.0.1:0")};
  setup.options.handshake_timeout = absl::Milliseconds(20);
  const auto server = ProbeServer::Start(std::move(setup));
  ASSERT_THAT(server, IsOk());
  const OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons((*server)->address().port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  pollfd event = {fd.get(), POLLRDHUP, 0};
  EXPECT_EQ(poll(&event, 1, -1), 1);
}

TEST(Server, AnotherServerMayTakeOverTheSocketAfterACrash) {
  const ShortDirectory directory;
  {
    // What a killed server leaves.
    const OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string path = directory.Socket().path();
    memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  EXPECT_THAT(Echo(DialOrDie(directory.Socket())), IsOk());
}

}  // namespace
}  // namespace cloister::rpc
