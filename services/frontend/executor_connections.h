// The executors as the frontend dials them: one channel for each node, shared by all calls to it.
#ifndef CLOISTER_SERVICES_FRONTEND_EXECUTOR_CONNECTIONS_H_
#define CLOISTER_SERVICES_FRONTEND_EXECUTOR_CONNECTIONS_H_

#include <grpcpp/channel.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "cloister/v1/node_service.pb.h"
#include "cloister/v1/task_service.grpc.pb.h"

namespace cloister::frontend {

using ExecutorStub = std::shared_ptr<v1::TaskService::StubInterface>;

// Thread-safe.
class ExecutorConnections {
 public:
  // Makes a channel to node.address() over which only that node answers. It need not be connected.
  using Dial =
      std::function<absl::StatusOr<std::shared_ptr<grpc::ChannelInterface>>(const v1::Node& node)>;

  explicit ExecutorConnections(Dial dial) : dial_(std::move(dial)) {}

  // A new channel, so that a node that comes back is not met by the back-off of the old one. Calls
  // that are on their way keep theirs.
  absl::Status Connect(const v1::Node& node);

  // UNAVAILABLE if the node was never connected.
  absl::StatusOr<ExecutorStub> Find(absl::string_view node_id) const;

 private:
  const Dial dial_;
  mutable absl::Mutex mu_;
  std::map<std::string, ExecutorStub, std::less<>> stubs_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_EXECUTOR_CONNECTIONS_H_
