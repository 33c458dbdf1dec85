// ArtifactCalls: ListArtifacts, FetchArtifact and PruneArtifacts of one node.
#ifndef CLOISTER_SERVICES_EXECUTOR_ARTIFACT_CALLS_H_
#define CLOISTER_SERVICES_EXECUTOR_ARTIFACT_CALLS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "cloister/v1/task_service.pb.h"
#include "libs/artifact/cache.h"
#include "libs/engine/artifact_provider.h"
#include "libs/engine/cancellation.h"
#include "libs/engine/engine.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/principal.h"

namespace cloister::executor {

// What of the node they are about; null where nothing is fetched.
struct NodeArtifactParts {
  engine::ArtifactProvider* provider = nullptr;
  artifact::Cache* cache = nullptr;
  // Fetches that callers wait for at once.
  size_t most_fetches = 4;
};

// Thread-safe.
class ArtifactCalls {
 public:
  // All of it outlives the calls.
  ArtifactCalls(std::string node_id, NodeArtifactParts parts, const engine::Engine* engine,
                rpc::DrainSignal* drain);
  // Cancels the fetches, and waits for them.
  ~ArtifactCalls();
  ArtifactCalls(const ArtifactCalls&) = delete;
  ArtifactCalls& operator=(const ArtifactCalls&) = delete;

  absl::Status List(const rpc::Principal& caller, const v1::ListArtifactsRequest& request,
                    v1::ListArtifactsResponse* response) const;
  absl::Status Prune(const v1::PruneArtifactsRequest& request,
                     v1::PruneArtifactsResponse* response) const;
  // Each fetch has a thread of its own, and ends with its call.
  grpc::ServerUnaryReactor* Fetch(grpc::CallbackServerContext* context,
                                  const rpc::Principal& caller,
                                  const v1::FetchArtifactRequest& request,
                                  v1::FetchArtifactResponse* response);

 private:
  struct Work {
    std::string tenant;
    std::shared_ptr<engine::Cancellation> cancellation;
    bool done = false;
    std::thread thread;
  };

  absl::Status CheckHere(const std::string& node_id) const;
  absl::StatusOr<engine::ArtifactOrder> MakeOrder(const rpc::Principal& caller,
                                                  const v1::FetchArtifactRequest& request) const;
  // Whether another one may begin: one tenant has three quarters at most, so that its slow servers
  // leave something to others.
  absl::Status CheckRoom(const std::string& tenant) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Joins those that have ended.
  void Reap() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string node_id_;
  const NodeArtifactParts parts_;
  const engine::Engine* const engine_;
  rpc::DrainSignal* const drain_;
  absl::Mutex mutex_;
  std::list<std::shared_ptr<Work>> works_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_ARTIFACT_CALLS_H_
