// ArtifactProvider: where a task's artifacts come from: the node's cache, or else their source. The
// engine's view of libs/artifact and the fetcher.
#ifndef CLOISTER_LIBS_ENGINE_ARTIFACT_PROVIDER_H_
#define CLOISTER_LIBS_ENGINE_ARTIFACT_PROVIDER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cloister/internal/plan.pb.h"
#include "cloister/v1/task.pb.h"
#include "libs/engine/cancellation.h"
#include "libs/engine/once_event.h"
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

  // Fetches it. Blocks; CANCELLED soon after `cancellation`. Errors say what was tried how often,
  // and hold no secret; artifact::IsRetryable where another try later can help.
  //
  // None where another fetches the same: then `again` is called once, on any thread and maybe
  // before this returns, when that has ended or with `cancellation`, for this to be called again.
  virtual absl::optional<absl::StatusOr<ProvidedArtifact>> ProvideUnlessOther(
      const ArtifactOrder& order, const ArtifactProgress& progress, Cancellation& cancellation,
      std::function<void()> again) = 0;

  // The same, waiting for the other.
  absl::StatusOr<ProvidedArtifact> Provide(const ArtifactOrder& order,
                                           const ArtifactProgress& progress,
                                           Cancellation& cancellation) {
    while (true) {
      const auto ended = std::make_shared<OnceEvent>();
      absl::optional<absl::StatusOr<ProvidedArtifact>> provided =
          ProvideUnlessOther(order, progress, cancellation, [ended] { ended->Set(); });
      if (provided.has_value()) return *std::move(provided);
      ended->WaitFor(absl::InfiniteDuration());
      if (cancellation.cancelled()) return absl::CancelledError("no longer wanted");
    }
  }

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
