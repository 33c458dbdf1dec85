#include "libs/rpc/testing/probe_server.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/address.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/deadline.h"
#include "libs/rpc/guarded_service.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/server.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::rpc {

ShortDirectory::ShortDirectory() : path_("/tmp/rpc_XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) abort();
}

ShortDirectory::~ShortDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Address ShortDirectory::Socket() const { return *ParseAddress(absl::StrCat("unix:", path_, "/s")); }

ProbeServer::ProbeServer(MethodTable methods, PeerPolicy peers, bool dev_mode)
    : authorizer_(std::move(methods), std::move(peers), dev_mode), probe_(&authorizer_, &drain_) {}

PeerPolicy ProbeServer::ThisUser() { return {geteuid(), 65534, {geteuid()}}; }

absl::StatusOr<std::unique_ptr<ProbeServer>> ProbeServer::Start(Setup setup) {
  auto server = std::unique_ptr<ProbeServer>(
      new ProbeServer(std::move(setup.methods), std::move(setup.peers), setup.dev_mode));
  setup.options.services = {Serve<probe::ProbeService>(&server->probe_)};
  CLOISTER_ASSIGN_OR_RETURN(server->server_,
                            Server::Start(setup.options, &server->authorizer_, &server->drain_));
  return server;
}

absl::StatusOr<std::unique_ptr<ProbeServer>> ProbeServer::Start(const Address& address) {
  Setup setup;
  setup.options.listen = {address};
  return Start(std::move(setup));
}

std::shared_ptr<grpc::Channel> DialOrDie(const Address& address, const ChannelOptions& options) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = OpenChannel(address, options);
  EXPECT_TRUE(channel.ok()) << channel.status();
  return *std::move(channel);
}

std::shared_ptr<grpc::Channel> DialOrDie(const Address& address) {
  ChannelOptions options;
  options.dev_mode = true;
  return DialOrDie(address, options);
}

absl::StatusOr<probe::EchoResponse> Echo(const std::shared_ptr<grpc::Channel>& channel,
                                         absl::string_view text) {
  const auto stub = probe::ProbeService::NewStub(channel);
  grpc::ClientContext context;
  SetDeadline(&context, kTestTimeout);
  probe::EchoRequest request;
  request.set_text(std::string(text));
  probe::EchoResponse response;
  const absl::Status status = FromGrpcStatus(stub->Echo(&context, request, &response));
  if (!status.ok()) return status;
  return response;
}

BlockCall::BlockCall(probe::ProbeService::Stub* stub) {
  SetDeadline(&context, kTestTimeout);
  stub->async()->Block(&context, &request, &response, [this](grpc::Status ended) {
    absl::MutexLock lock(&mutex);
    status = FromGrpcStatus(ended);
    done = true;
  });
}

absl::Status BlockCall::Await() {
  absl::MutexLock lock(&mutex);
  mutex.Await(absl::Condition(&done));
  return status;
}

}  // namespace cloister::rpc
