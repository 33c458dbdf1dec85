#include "services/frontend/executor_connections.h"

#include <utility>

#include "libs/base/status_macros.h"
#include "services/frontend/frontend_error.h"

namespace cloister::frontend {

absl::Status ExecutorConnections::Connect(const v1::Node& node) {
  CLOISTER_ASSIGN_OR_RETURN(std::shared_ptr<grpc::ChannelInterface> channel, dial_(node));
  ExecutorStub stub = v1::TaskService::NewStub(channel);
  absl::MutexLock lock(&mu_);
  // The old stub is destroyed after the lock: its channel may have work to do then.
  stubs_[node.id()].swap(stub);
  return absl::OkStatus();
}

absl::StatusOr<ExecutorStub> ExecutorConnections::Find(absl::string_view node_id) const {
  absl::MutexLock lock(&mu_);
  const auto it = stubs_.find(node_id);
  if (it == stubs_.end()) return NodeUnreachable(node_id, "it has no connection");
  return it->second;
}

}  // namespace cloister::frontend
