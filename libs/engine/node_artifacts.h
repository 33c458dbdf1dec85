// NodeArtifacts: the artifacts of a node: from its cache, or fetched by its fetcher, looked at
// again and put into the cache. One fetch for all that ask for the same at the same time.
#ifndef CLOISTER_LIBS_ENGINE_NODE_ARTIFACTS_H_
#define CLOISTER_LIBS_ENGINE_NODE_ARTIFACTS_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/artifact/artifact_source.h"
#include "libs/artifact/cache.h"
#include "libs/artifact/fetcher_client.h"
#include "libs/engine/artifact_provider.h"
#include "libs/engine/once_call.h"
#include "libs/node/artifact_policy.h"

namespace cloister::engine {

struct NodeArtifactsOptions {
  node::ArtifactPolicy policy;
  // That of the cache; absolute.
  std::string directory;
  // Whether what is fetched is made root's; false where an executor without root shares its id with
  // the fetcher.
  bool own = true;
  // The certificates of policy.ca_file.
  std::string ca_pem;
  // Before the second try, and twice as long before each further one.
  absl::Duration back_off = absl::Seconds(1);
  // Of what went wrong with the cache and belongs to no task.
  std::function<void(const absl::Status&)> on_trouble;
};

class NodeArtifacts : public ArtifactProvider {
 public:
  // Both outlive it.
  NodeArtifacts(NodeArtifactsOptions options, artifact::Cache* cache,
                artifact::FetcherClient* fetcher);

  absl::optional<ProvidedArtifact> TryCached(const ArtifactOrder& order) override;
  absl::optional<absl::StatusOr<ProvidedArtifact>> ProvideUnlessOther(
      const ArtifactOrder& order, const ArtifactProgress& progress, Cancellation& cancellation,
      std::function<void()> again) override;
  absl::Status Copy(const ProvidedArtifact& provided, const internal::ArtifactPlan& plan,
                    int task_directory, uint32_t uid, uint32_t gid) override;
  void Recover(const std::string& task_id, const internal::LaunchPlan& plan) override;
  void Release(const std::string& task_id) override;

  // Removes from the cache what is too old, or too much. After all tasks are recovered.
  void Evict();

 private:
  // One order, understood.
  struct Job;
  // What of the job is fetched, by whoever was first.
  class Flight;

  absl::StatusOr<Job> Understand(const ArtifactOrder& order) const;
  absl::StatusOr<ProvidedArtifact> FetchWithRetries(const Job& job,
                                                    const ArtifactProgress& progress,
                                                    Cancellation& cancellation);
  absl::StatusOr<ProvidedArtifact> FetchOnce(const Job& job, v1::ArtifactStatus status,
                                             const ArtifactProgress& progress,
                                             artifact::CacheStaging* staging,
                                             artifact::Validators* resume,
                                             Cancellation& cancellation);
  // By the fetcher.
  absl::StatusOr<artifact::FetchReport> Fetch(artifact::FetchJob fetch,
                                              const v1::ArtifactStatus& status,
                                              const ArtifactProgress& progress,
                                              artifact::Validators* resume,
                                              Cancellation& cancellation);
  absl::StatusOr<artifact::FetchJob> MakeFetch(const Job& job,
                                               const artifact::Validators& if_changed,
                                               const artifact::Validators& resume,
                                               int output) const;
  absl::StatusOr<artifact::CachedObject> Keep(const Job& job, const artifact::FetchReport& report,
                                              artifact::CacheStaging* staging);
  void Hold(const Job& job, const std::string& id);
  absl::StatusOr<ProvidedArtifact> Provided(artifact::CachedObject object,
                                            v1::ArtifactStatus status);
  std::string ContentPath(const std::string& id) const;
  void Trouble(const absl::Status& status) const;

  const NodeArtifactsOptions options_;
  artifact::Cache* const cache_;
  artifact::FetcherClient* const fetcher_;
  absl::Mutex mutex_;
  std::map<std::string, std::vector<std::shared_ptr<OnceCall>>> flights_ ABSL_GUARDED_BY(mutex_);
  // By task: the ids of what it holds.
  std::map<std::string, std::set<std::string>> held_ ABSL_GUARDED_BY(mutex_);
  // Of that, what goes with the task: it was not to be kept.
  std::map<std::string, std::set<std::string>> not_kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_NODE_ARTIFACTS_H_
