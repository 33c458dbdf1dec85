// NodeSession: executors join here. Each session is a stream that tells the node's state and is its
// liveness; the registry learns from it, and the frontend dials the address that it names.
#ifndef CLOISTER_SERVICES_FRONTEND_NODE_SESSION_SERVICE_H_
#define CLOISTER_SERVICES_FRONTEND_NODE_SESSION_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "cloister/v1/node_session.grpc.pb.h"
#include "services/frontend/join_session.h"
#include "services/frontend/join_sessions.h"

namespace cloister::frontend {

// Outlives its server.
class NodeSessionService final : public v1::NodeSession::CallbackService {
 public:
  NodeSessionService(JoinOptions options, JoinSessions::Parts parts)
      : sessions_(std::make_shared<JoinSessions>(std::move(options), parts)) {
    sessions_->Start();
  }
  ~NodeSessionService() override { sessions_->Stop(); }

  grpc::ServerBidiReactor<v1::JoinRequest, v1::JoinResponse>* Join(
      grpc::CallbackServerContext* caller) override {
    return new JoinSession(sessions_.get(), caller);
  }

 private:
  const std::shared_ptr<JoinSessions> sessions_;
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_NODE_SESSION_SERVICE_H_
