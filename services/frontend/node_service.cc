#include "services/frontend/node_service.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/page_token.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::frontend {

grpc::ServerUnaryReactor* NodeService::GetNode(grpc::CallbackServerContext* context,
                                               const v1::GetNodeRequest* request,
                                               v1::GetNodeResponse* response) {
  absl::StatusOr<v1::Node> node = registry_->GetNode(request->node_id());
  if (node.ok()) *response->mutable_node() = *std::move(node);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(rpc::ToGrpcStatus(node.status()));
  return reactor;
}

grpc::ServerUnaryReactor* NodeService::ListNodes(grpc::CallbackServerContext* context,
                                                 const v1::ListNodesRequest* request,
                                                 v1::ListNodesResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(rpc::ToGrpcStatus(FillList(*context, *request, response)));
  return reactor;
}

absl::Status NodeService::FillList(const grpc::ServerContextBase& context,
                                   const v1::ListNodesRequest& request,
                                   v1::ListNodesResponse* response) const {
  CLOISTER_ASSIGN_OR_RETURN(const rpc::Principal principal, caller_of_(context));
  const std::string caller = principal.ToString();
  CLOISTER_ASSIGN_OR_RETURN(const size_t size, rpc::PageSize(request.page_size()));
  const std::string query = rpc::PageQuery(request);
  CLOISTER_ASSIGN_OR_RETURN(const std::string after,
                            rpc::ParsePageToken(request.page_token(), query, caller));
  // One more than the page tells whether there is a next.
  std::vector<v1::Node> nodes = registry_->ListNodes(after, size + 1);
  if (nodes.size() > size) {
    nodes.resize(size);
    response->set_next_page_token(rpc::MakePageToken(nodes.back().id(), query, caller));
  }
  for (v1::Node& node : nodes) *response->add_nodes() = std::move(node);
  return absl::OkStatus();
}

}  // namespace cloister::frontend
