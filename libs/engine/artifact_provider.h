// ArtifactProvider: where a task's artifacts come from: the node's cache, or else their source. The
// engine's view of libs/artifact and the fetcher.
#ifndef CLOISTER_LIBS_ENGINE_ARTIFACT_PROVIDER_H_
#define CLOISTER_LIBS_ENGINE_ARTIFACT_PROVIDER_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "cloister/internal/plan.pb.h"
#include "cloister/v1/task.pb.h"
#include "libs/engine/cancellation.h"
#include "libs/plan/place_artifacts.h"

namespace cloister::engine {

struct ArtifactOrder {
  // One of the plan's.
  internal::ArtifactPlan plan;
  // Who asks: what is cached for one is not served to another.
  std::string tenant;
  // What it is held by in the cache until Release.
  std::string task_id;
};

struct ProvidedArtifact {
  plan::FetchedArtifact fetched;
  // What is told of it: digest, cached, attempts, bytes and times.
  v1::ArtifactStatus status;
};

// Told of a fetch on its way; state, bytes and attempts are set. Must not block.
using ArtifactProgress = std::function<void(const v1::ArtifactStatus&)>;

// Implementations are thread-safe.
class ArtifactProvider {
 public:
  virtual ~ArtifactProvider() = default;

  // What can be had at once, without a look at the network; none otherwise. Does not block.
  virtual absl::optional<ProvidedArtifact> TryCached(const ArtifactOrder& order) = 0;

  // Fetches it, or waits for another that fetches the same. Blocks; CANCELLED soon after
  // `cancellation`. Errors say what was tried how often, and hold no secret; artifact::IsRetryable
  // where another try later can help.
  virtual absl::StatusOr<ProvidedArtifact> Provide(const ArtifactOrder& order,
                                                   const ArtifactProgress& progress,
                                                   Cancellation& cancellation) = 0;

  // Copies what was provided into the directory `home` beneath `task_directory`, over what is
  // there; owned by uid and gid. All of it or nothing.
  virtual absl::Status Copy(const ProvidedArtifact& provided, const internal::ArtifactPlan& plan,
                            int task_directory, uint32_t uid, uint32_t gid) = 0;

  // A task that a former executor has started: what it holds of the cache is held again.
  virtual void Recover(const std::string& task_id, const internal::LaunchPlan& plan) = 0;
  // The task is gone, or never came to run; nothing of it is needed any more. Unknown ids are no
  // matter.
  virtual void Release(const std::string& task_id) = 0;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_ARTIFACT_PROVIDER_H_
