#include "libs/rpc/server.h"

#include <grpc/impl/codegen/grpc_types.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/address.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/connection_acceptor.h"
#include "libs/rpc/credentials.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/guarded_service.h"
#include "libs/rpc/health_service.h"
#include "libs/rpc/listen_address.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/reflection_service.h"
#include "libs/rpc/tcp_listener.h"
#include "libs/rpc/unix_listener.h"

namespace cloister::rpc {
namespace {

using ExternalAcceptor = ::grpc::experimental::ExternalConnectionAcceptor;

// A peer that is gone without a word is noticed after these; a silent one over unix sockets, too.
constexpr absl::Duration kKeepaliveTime = absl::Seconds(60);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(20);
// What we bear from clients: ours ping every 20 s (channel.h), also without calls, for watches.
constexpr absl::Duration kMinPingInterval = absl::Seconds(10);
constexpr int kMaxPingStrikes = 2;

void SetLimits(const ServerOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder->SetMaxSendMessageSize(kMaxMessageBytes);
  grpc::ResourceQuota quota("cloister");
  quota.Resize(options.max_memory_bytes);
  builder->SetResourceQuota(quota);
  const auto millis = [](absl::Duration d) {
    return static_cast<int>(absl::ToInt64Milliseconds(d));
  };
  const std::pair<const char*, int> arguments[] = {
      {GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes},
      {GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams},
      {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, millis(options.handshake_timeout)},
      {GRPC_ARG_KEEPALIVE_TIME_MS, millis(kKeepaliveTime)},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, millis(kKeepaliveTimeout)},
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
      {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0},
      {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, millis(kMinPingInterval)},
      {GRPC_ARG_HTTP2_MAX_PING_STRIKES, kMaxPingStrikes},
  };
  for (const auto& [name, value] : arguments) builder->AddChannelArgument(name, value);
}

// The mode of the socket keeps out everybody but us and root; whoever else is let in by uid needs
// it open.
SocketAccess AccessFor(const PeerPolicy& peers) {
  for (uid_t uid : peers.allowed_uids) {
    if (uid != 0 && uid != peers.own_uid) return SocketAccess::kEverybody;
  }
  return SocketAccess::kOwner;
}

}  // namespace

class Server::Impl {
 public:
  Impl(const Authorizer* authorizer, DrainSignal* drain)
      : authorizer_(authorizer), drain_(drain), health_(drain) {}

  absl::Status Start(ServerOptions options);
  void Drain(absl::Duration patience);

  const std::vector<Address>& addresses() const { return addresses_; }
  HealthService& health() { return health_; }
  ConnectionCounters connections() const { return acceptor_->counters(); }

 private:
  absl::Status AddServices(std::vector<ServedService> services, grpc::ServerBuilder* builder);
  absl::Status AddListener(const Address& address, const ServerOptions& options,
                           grpc::ServerBuilder* builder);
  void DeliverUnix(OwnedFd fd);

  const Authorizer* const authorizer_;
  DrainSignal* const drain_;
  HealthService health_;
  std::unique_ptr<ReflectionCatalog> catalog_;
  std::unique_ptr<ReflectionServiceV1> reflection_v1_;
  std::unique_ptr<ReflectionServiceV1Alpha> reflection_v1alpha_;
  std::vector<std::unique_ptr<grpc::Service>> guards_;

  std::vector<Address> addresses_;
  std::vector<std::unique_ptr<UnixListener>> unix_listeners_;
  std::vector<TcpListener> tcp_listeners_;
  std::vector<std::unique_ptr<ExternalAcceptor>> tcp_inlets_;
  std::vector<ConnectionAcceptor::Source> sources_;

  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<ConnectionAcceptor> acceptor_;
  bool drained_ = false;
};

absl::Status Server::Impl::Start(ServerOptions options) {
  if (options.listen.empty()) return absl::InvalidArgumentError("no address to listen on");
  grpc::ServerBuilder builder;
  SetLimits(options, &builder);
  CLOISTER_RETURN_IF_ERROR(AddServices(std::move(options.services), &builder));
  tcp_listeners_.reserve(options.listen.size());
  for (const Address& address : options.listen) {
    CLOISTER_RETURN_IF_ERROR(AddListener(address, options, &builder));
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::InternalError("gRPC could not start the server");
  // Last: from here on connections come, and gRPC takes them only when it has started.
  CLOISTER_ASSIGN_OR_RETURN(
      acceptor_, ConnectionAcceptor::Start(sources_, options.connections, authorizer_->peers()));
  return absl::OkStatus();
}

absl::Status Server::Impl::AddServices(std::vector<ServedService> services,
                                       grpc::ServerBuilder* builder) {
  health_.SetServing("", true);
  for (const ServedService& service : services) health_.SetServing(service.full_name(), true);
  services.push_back(Serve<grpc::health::v1::Health>(&health_));
  std::vector<std::string> names;
  for (const ServedService& service : services) names.push_back(service.full_name());
  names.push_back(grpc::reflection::v1::ServerReflection::service_full_name());
  names.push_back(grpc::reflection::v1alpha::ServerReflection::service_full_name());
  catalog_ = std::make_unique<ReflectionCatalog>(names);
  reflection_v1_ = std::make_unique<ReflectionServiceV1>(catalog_.get(), drain_);
  reflection_v1alpha_ = std::make_unique<ReflectionServiceV1Alpha>(catalog_.get(), drain_);
  services.push_back(Serve<grpc::reflection::v1::ServerReflection>(reflection_v1_.get()));
  services.push_back(Serve<grpc::reflection::v1alpha::ServerReflection>(reflection_v1alpha_.get()));
  for (const ServedService& service : services) {
    CLOISTER_ASSIGN_OR_RETURN(auto guard, GuardService(service, authorizer_));
    builder->RegisterService(guard.get());
    guards_.push_back(std::move(guard));
  }
  return absl::OkStatus();
}

absl::Status Server::Impl::AddListener(const Address& address, const ServerOptions& options,
                                       grpc::ServerBuilder* builder) {
  CLOISTER_ASSIGN_OR_RETURN(
      const Protection protection,
      CheckListenAddress(address, authorizer_->dev_mode(), options.tls, absl::Now()));
  if (protection == Protection::kPeerUid) {
    CLOISTER_ASSIGN_OR_RETURN(
        auto listener, UnixListener::Listen(address.path(), AccessFor(authorizer_->peers())));
    sources_.push_back({listener->fd(), true, [this](OwnedFd fd) { DeliverUnix(std::move(fd)); }});
    unix_listeners_.push_back(std::move(listener));
    addresses_.push_back(address);
    return absl::OkStatus();
  }
  CLOISTER_ASSIGN_OR_RETURN(TcpListener listener, TcpListener::Listen(address));
  tcp_inlets_.push_back(builder->experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      protection == Protection::kMutualTls
          ? MutualTlsServerCredentials(*options.tls, options.tls_reload_interval)
          : grpc::InsecureServerCredentials()));
  ExternalAcceptor* const inlet = tcp_inlets_.back().get();
  const int listener_fd = listener.fd();
  sources_.push_back({listener_fd, false, [inlet, listener_fd](OwnedFd fd) {
                        ExternalAcceptor::NewConnectionParameters connection;
                        connection.listener_fd = listener_fd;
                        connection.fd = fd.Release();
                        inlet->HandleNewConnection(&connection);
                      }});
  addresses_.push_back(listener.address());
  tcp_listeners_.push_back(std::move(listener));
  return absl::OkStatus();
}

// Not through an external acceptor as TCP: that one names every unix peer "unix:", and the name of
// the descriptor is how a call finds its peer's uid (call_principal.h).
void Server::Impl::DeliverUnix(OwnedFd fd) {
  grpc::AddInsecureChannelFromFd(server_.get(), fd.Release());
}

void Server::Impl::Drain(absl::Duration patience) {
  if (std::exchange(drained_, true)) return;
  health_.StopServing();
  // Before the sockets go, and before gRPC stops taking descriptors.
  if (acceptor_ != nullptr) acceptor_->Stop();
  unix_listeners_.clear();
  tcp_listeners_.clear();
  drain_->Fire();
  if (server_ != nullptr) server_->Shutdown(absl::ToChronoTime(absl::Now() + patience));
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options,
                                                      const Authorizer* authorizer,
                                                      DrainSignal* drain) {
  auto impl = std::make_unique<Impl>(authorizer, drain);
  CLOISTER_RETURN_IF_ERROR(impl->Start(std::move(options)));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { Drain(absl::ZeroDuration()); }

const std::vector<Address>& Server::addresses() const { return impl_->addresses(); }

HealthService& Server::health() { return impl_->health(); }

ConnectionCounters Server::connections() const { return impl_->connections(); }

void Server::Drain(absl::Duration patience) { impl_->Drain(patience); }

}  // namespace cloister::rpc
