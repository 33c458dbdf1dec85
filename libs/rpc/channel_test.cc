#include "libs/rpc/channel.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cloister/probe/probe.grpc.pb.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/address.h"
#include "libs/rpc/deadline.h"
#include "libs/rpc/status_conversion.h"
#include "libs/rpc/testing/probe_server.h"
#include "tests/testing/test_ca.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

ChannelOptions Dev() {
  ChannelOptions options;
  options.dev_mode = true;
  return options;
}

ChannelOptions Retrying() {
  ChannelOptions options;
  options.retried_services = {"cloister.probe.ProbeService"};
  return options;
}

TEST(OpenChannel, PlaintextIsForLoopbackInDevModeOnly) {
  EXPECT_THAT(OpenChannel(*ParseAddress("127.0.0.1:1"), Dev()), IsOk());
  EXPECT_THAT(OpenChannel(*ParseAddress("[::1]:1"), Dev()), IsOk());
  for (absl::string_view address : {"10.0.0.1:1", "localhost:1", "example.com:1", "[::]:1"}) {
    EXPECT_THAT(OpenChannel(*ParseAddress(address), Dev()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("without TLS")))
        << address;
  }
  EXPECT_THAT(OpenChannel(*ParseAddress("127.0.0.1:1"), {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("dev mode")));
}

TEST(OpenChannel, PortZeroIsNoneToConnectTo) {
  EXPECT_THAT(OpenChannel(*ParseAddress("127.0.0.1:0"), Dev()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("port 0")));
}

TEST(OpenChannel, FilesThatAreNotFitAreRefused) {
  const ShortDirectory directory;
  ChannelOptions options = Dev();
  options.tls = *TestCa::Create(directory.path())->Issue("client", "alice");
  ASSERT_EQ(chmod(options.tls->key.c_str(), 0644), 0);
  EXPECT_THAT(OpenChannel(*ParseAddress("example.com:1"), options),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("read by others")));
  options.tls->key.clear();
  EXPECT_THAT(OpenChannel(*ParseAddress("127.0.0.1:1"), options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no key is named")));
}

TEST(Channel, AnErrorTellsThatNobodyListens) {
  const ShortDirectory directory;
  EXPECT_THAT(Echo(DialOrDie(directory.Socket())), StatusIs(absl::StatusCode::kUnavailable));
}

TEST(Channel, ConnectsAgainWhenTheServerIsBack) {
  const ShortDirectory directory;
  const auto channel = DialOrDie(directory.Socket());
  auto server = *ProbeServer::Start(directory.Socket());
  EXPECT_THAT(Echo(channel), IsOk());
  server.reset();
  EXPECT_THAT(Echo(channel), StatusIs(absl::StatusCode::kUnavailable));
  server = *ProbeServer::Start(directory.Socket());
  const auto stub = probe::ProbeService::NewStub(channel);
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  SetDeadline(&context, kTestTimeout);
  probe::EchoResponse response;
  EXPECT_THAT(FromGrpcStatus(stub->Echo(&context, probe::EchoRequest(), &response)), IsOk());
}

TEST(Channel, RetriesWhatMayBeRepeated) {
  const ShortDirectory directory;
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  (*server)->probe().FailEchoes(2);
  EXPECT_THAT(Echo(DialOrDie(directory.Socket(), Retrying())), IsOk());
  EXPECT_EQ((*server)->probe().calls(), 3);
}

TEST(Channel, GivesUpAfterFourTries) {
  const ShortDirectory directory;
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  (*server)->probe().FailEchoes(100);
  EXPECT_THAT(Echo(DialOrDie(directory.Socket(), Retrying())),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ((*server)->probe().calls(), 4);
}

TEST(Channel, DoesNotRetryOtherServices) {
  const ShortDirectory directory;
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  (*server)->probe().FailEchoes(1);
  EXPECT_THAT(Echo(DialOrDie(directory.Socket())), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ((*server)->probe().calls(), 1);
}

TEST(Channel, ADeadlineEndsACall) {
  const ShortDirectory directory;
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  const auto stub = probe::ProbeService::NewStub(DialOrDie(directory.Socket()));
  grpc::ClientContext context;
  SetDeadline(&context, absl::Milliseconds(20));
  probe::BlockResponse response;
  EXPECT_THAT(FromGrpcStatus(stub->Block(&context, probe::BlockRequest(), &response)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST(Channel, IgnoresProxiesOfTheEnvironment) {
  ASSERT_EQ(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
  ASSERT_EQ(setenv("grpc_proxy", "http://127.0.0.1:1", 1), 0);
  ProbeServer::Setup setup;
  setup.dev_mode = true;
  setup.options.listen = {*ParseAddress("127.0.0.1:0")};
  const auto server = ProbeServer::Start(std::move(setup));
  ASSERT_THAT(server, IsOk());
  EXPECT_THAT(Echo(DialOrDie((*server)->address())), IsOk());
  unsetenv("http_proxy");
  unsetenv("grpc_proxy");
}

TEST(Channel, EachHasAConnectionOfItsOwn) {
  const ShortDirectory directory;
  const auto server = ProbeServer::Start(directory.Socket());
  ASSERT_THAT(server, IsOk());
  const auto first = DialOrDie(directory.Socket());
  const auto second = DialOrDie(directory.Socket());
  EXPECT_NE(Echo(first)->peer(), Echo(second)->peer());
}

}  // namespace
}  // namespace cloister::rpc
