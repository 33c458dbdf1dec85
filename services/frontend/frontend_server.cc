#include "services/frontend/frontend_server.h"

#include <utility>

#include "libs/base/random_id.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/method_table.h"
#include "services/frontend/join_policy.h"

namespace cloister::frontend {

absl::StatusOr<std::unique_ptr<FrontendServer>> FrontendServer::Start(FrontendConfig config,
                                                                      const Clock* clock) {
  CLOISTER_ASSIGN_OR_RETURN(
      rpc::Authorizer authorizer,
      rpc::Authorizer::Create(rpc::FrontendMethodTable(), config.allowed_uids, config.dev));
  std::unique_ptr<FrontendServer> server(
      new FrontendServer(std::move(config), std::move(authorizer)));
  server->frontend_ = std::make_unique<Frontend>(server->MakeOptions(), &server->drain_, clock);
  rpc::ServerOptions options;
  options.listen = server->config_.listen;
  options.tls = server->config_.tls;
  options.services = {rpc::Serve<v1::TaskService>(server->frontend_->task_service()),
                      rpc::Serve<v1::NodeService>(server->frontend_->node_service()),
                      rpc::Serve<v1::NodeSession>(server->frontend_->node_session_service())};
  CLOISTER_ASSIGN_OR_RETURN(
      server->server_,
      rpc::Server::Start(std::move(options), &server->authorizer_, &server->drain_));
  return server;
}

FrontendServer::FrontendServer(FrontendConfig config, rpc::Authorizer authorizer)
    : config_(std::move(config)), id_(RandomId()), authorizer_(std::move(authorizer)) {}

FrontendServer::~FrontendServer() = default;

Frontend::Options FrontendServer::MakeOptions() const {
  Frontend::Options options;
  options.task_service.caller_of =
      [this](const grpc::ServerContextBase& call) -> absl::StatusOr<rpc::Principal> {
    CLOISTER_ASSIGN_OR_RETURN(rpc::CallIdentity identity, authorizer_.Identify(call));
    return std::move(identity.principal);
  };
  options.join.frontend_id = id_;
  options.join.may_join = [this](const grpc::ServerContextBase& call, const v1::Node& node) {
    const absl::StatusOr<rpc::CallIdentity> identity = authorizer_.Identify(call);
    return identity.ok() ? MayJoin(identity->caller, node) : identity.status();
  };
  options.dial =
      [this](const v1::Node& node) -> absl::StatusOr<std::shared_ptr<grpc::ChannelInterface>> {
    CLOISTER_ASSIGN_OR_RETURN(const rpc::Address address, rpc::ParseAddress(node.address()));
    rpc::ChannelOptions channel;
    channel.tls = config_.tls;
    channel.dev_mode = config_.dev;
    channel.expected = {{rpc::Role::kNode}, node.id()};
    // Our caller retries, and meanwhile the node may be known to be lost.
    channel.retried_services.clear();
    CLOISTER_ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> opened,
                              rpc::OpenChannel(address, channel));
    return opened;
  };
  return options;
}

}  // namespace cloister::frontend
