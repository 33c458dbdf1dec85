// NodeService: the nodes that have joined this frontend.
#ifndef CLOISTER_SERVICES_FRONTEND_NODE_SERVICE_H_
#define CLOISTER_SERVICES_FRONTEND_NODE_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "absl/status/status.h"
#include "cloister/v1/node_service.grpc.pb.h"
#include "services/frontend/caller.h"
#include "services/frontend/node_registry.h"

namespace cloister::frontend {

class NodeService final : public v1::NodeService::CallbackService {
 public:
  // `registry` outlives the service, and the service its server.
  NodeService(CallerOf caller_of, const NodeRegistry* registry)
      : caller_of_(std::move(caller_of)), registry_(registry) {}

  grpc::ServerUnaryReactor* GetNode(grpc::CallbackServerContext* context,
                                    const v1::GetNodeRequest* request,
                                    v1::GetNodeResponse* response) override;
  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context,
                                      const v1::ListNodesRequest* request,
                                      v1::ListNodesResponse* response) override;

 private:
  absl::Status FillList(const grpc::ServerContextBase& context, const v1::ListNodesRequest& request,
                        v1::ListNodesResponse* response) const;

  const CallerOf caller_of_;
  const NodeRegistry* const registry_;
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_NODE_SERVICE_H_
