// NodeFetcher: what an executor has to fetch artifacts with: the cache in its state directory, the
// fetcher process, and the provider over both.
#ifndef CLOISTER_SERVICES_EXECUTOR_NODE_FETCHER_H_
#define CLOISTER_SERVICES_EXECUTOR_NODE_FETCHER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/artifact/cache.h"
#include "libs/artifact/fetcher_client.h"
#include "libs/base/clock.h"
#include "libs/engine/node_artifacts.h"
#include "libs/node/artifact_policy.h"
#include "libs/node/node_facts.h"

namespace cloister::executor {

struct NodeFetcherOptions {
  // Path of cloister-fetcher.
  std::string program;
  // Absolute.
  std::string state_dir;
  node::ArtifactPolicy policy;
  // Where the cgroups of fetches are; empty: nowhere.
  std::string cgroup_parent;
  std::string slot_prefix;
  // Outlives the fetcher.
  const Clock* clock = nullptr;
  std::function<void(const absl::Status&)> on_trouble;
};

class NodeFetcher {
 public:
  // Errors name what is missing: the program, the certificates, a directory.
  static absl::StatusOr<std::unique_ptr<NodeFetcher>> Start(const NodeFetcherOptions& options,
                                                            const node::NodeFacts& facts);

  engine::NodeArtifacts& artifacts() { return *artifacts_; }
  artifact::Cache& cache() { return *cache_; }
  const artifact::FetcherClient& client() const { return *client_; }

 private:
  NodeFetcher() = default;

  std::unique_ptr<artifact::Cache> cache_;
  std::unique_ptr<artifact::FetcherClient> client_;
  std::unique_ptr<engine::NodeArtifacts> artifacts_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_NODE_FETCHER_H_
