#include "services/executor/node_service.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error_reason.h"
#include "libs/rpc/page_token.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::executor {
namespace {

grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(rpc::ToGrpcStatus(status));
  return reactor;
}

}  // namespace

NodeService::NodeService(v1::Node node, const engine::Engine* engine)
    : node_(std::move(node)), engine_(engine) {}

v1::Node NodeService::Now() const {
  v1::Node node = node_;
  const engine::TaskCapacity held = engine_->Held();
  node.set_state(v1::NODE_STATE_READY);
  node.set_live_tasks(held.tasks);
  node.set_granted_memory_mib(held.memory_mib);
  return node;
}

grpc::ServerUnaryReactor* NodeService::GetNode(grpc::CallbackServerContext* context,
                                               const v1::GetNodeRequest* request,
                                               v1::GetNodeResponse* response) {
  if (request->node_id() != node_.id()) {
    return Answer(context, WithReason(absl::NotFoundError(absl::StrCat(
                                          "no node '", request->node_id(),
                                          "' here: this is the executor of '", node_.id(), "'")),
                                      "NODE_UNKNOWN", {{"node_id", request->node_id()}}));
  }
  *response->mutable_node() = Now();
  return Answer(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* NodeService::ListNodes(grpc::CallbackServerContext* context,
                                                 const v1::ListNodesRequest* request,
                                                 v1::ListNodesResponse* response) {
  const absl::Status status = rpc::PageSize(request->page_size()).status();
  // There is one page.
  if (status.ok()) {
    *response->add_nodes() = Now();
    // As in a frontend's list.
    response->mutable_nodes(0)->clear_attributes();
  }
  return Answer(context, status);
}

}  // namespace cloister::executor
