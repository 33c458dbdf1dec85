// NodeService of an executor: itself as the only node.
#ifndef CLOISTER_SERVICES_EXECUTOR_NODE_SERVICE_H_
#define CLOISTER_SERVICES_EXECUTOR_NODE_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "cloister/v1/node_service.grpc.pb.h"
#include "libs/engine/engine.h"

namespace cloister::executor {

class NodeService final : public v1::NodeService::CallbackService {
 public:
  // `node`: what does not change while the executor runs. `engine` outlives the service, and the
  // service its server.
  NodeService(v1::Node node, const engine::Engine* engine);

  grpc::ServerUnaryReactor* GetNode(grpc::CallbackServerContext* context,
                                    const v1::GetNodeRequest* request,
                                    v1::GetNodeResponse* response) override;
  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context,
                                      const v1::ListNodesRequest* request,
                                      v1::ListNodesResponse* response) override;

 private:
  v1::Node Now() const;

  const v1::Node node_;
  const engine::Engine* const engine_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_NODE_SERVICE_H_
