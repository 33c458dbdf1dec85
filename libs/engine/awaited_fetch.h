// AwaitedFetch: one fetch, as the fetcher tells of it on its thread and as the thread that waits
// for it sees it.
#ifndef CLOISTER_LIBS_ENGINE_AWAITED_FETCH_H_
#define CLOISTER_LIBS_ENGINE_AWAITED_FETCH_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "libs/artifact/fetcher_client.h"
#include "libs/engine/artifact_provider.h"

namespace cloister::engine {

class AwaitedFetch : public artifact::FetchListener {
 public:
  AwaitedFetch(v1::ArtifactStatus status, ArtifactProgress progress)
      : status_(std::move(status)), progress_(std::move(progress)) {}

  void OnPhase(artifact::FetchObserver::Phase phase) override {
    Tell([phase](v1::ArtifactStatus& status) {
      if (phase == artifact::FetchObserver::Phase::kUnpack) {
        status.set_state(v1::ArtifactStatus::STATE_UNPACKING);
      }
    });
  }
  void OnProgress(int64_t bytes, int64_t total) override {
    Tell([bytes, total](v1::ArtifactStatus& status) {
      status.set_fetched_bytes(static_cast<uint64_t>(std::max<int64_t>(0, bytes)));
      status.set_total_bytes(static_cast<uint64_t>(std::max<int64_t>(0, total)));
    });
  }
  void OnValidators(const artifact::Validators& validators) override {
    absl::MutexLock lock(&mutex_);
    validators_ = validators;
  }
  void OnDone(const absl::StatusOr<artifact::FetchReport>& report) override {
    absl::MutexLock lock(&mutex_);
    report_ = report;
  }

  absl::StatusOr<artifact::FetchReport> Await() {
    absl::MutexLock lock(&mutex_);
    const auto done = [this]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return report_.has_value(); };
    mutex_.Await(absl::Condition(&done));
    // Its thread may still hold this; what it would call is of a caller that is gone.
    progress_ = nullptr;
    return *report_;
  }
  artifact::Validators validators() const {
    absl::MutexLock lock(&mutex_);
    return validators_;
  }

 private:
  template <typename Edit>
  void Tell(const Edit& edit) {
    absl::MutexLock lock(&mutex_);
    if (report_.has_value() || progress_ == nullptr) return;
    edit(status_);
    progress_(status_);
  }

  mutable absl::Mutex mutex_;
  v1::ArtifactStatus status_ ABSL_GUARDED_BY(mutex_);
  ArtifactProgress progress_ ABSL_GUARDED_BY(mutex_);
  artifact::Validators validators_ ABSL_GUARDED_BY(mutex_);
  absl::optional<absl::StatusOr<artifact::FetchReport>> report_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_AWAITED_FETCH_H_
