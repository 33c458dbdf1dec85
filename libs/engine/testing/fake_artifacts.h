// FakeArtifacts: provides what a test says, by the source:
//
//   https://h/cached...   is there at once            https://h/wait...     comes with Let()
//   https://h/bad...      fails                       https://h/busy...     fails, retryable
//   https://h/same...     comes with Let(), and whoever asks meanwhile is to ask again then
//   all else              comes when asked for
//
// Each is a directory "/cache/<source>" with the one file "f".
#ifndef CLOISTER_LIBS_ENGINE_TESTING_FAKE_ARTIFACTS_H_
#define CLOISTER_LIBS_ENGINE_TESTING_FAKE_ARTIFACTS_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "libs/artifact/retryable.h"
#include "libs/engine/artifact_provider.h"
#include "libs/engine/once_call.h"

namespace cloister::engine {

class FakeArtifacts : public ArtifactProvider {
 public:
  absl::optional<ProvidedArtifact> TryCached(const ArtifactOrder& order) override {
    if (!absl::StartsWith(order.plan.source(), "https://h/cached")) return absl::nullopt;
    absl::MutexLock lock(&mutex_);
    return Make(order);
  }

  absl::optional<absl::StatusOr<ProvidedArtifact>> ProvideUnlessOther(
      const ArtifactOrder& order, const ArtifactProgress& progress, Cancellation& cancellation,
      std::function<void()> again) override {
    const std::string& source = order.plan.source();
    if (!absl::StartsWith(source, "https://h/same")) {
      return ProvideOne(order, progress, cancellation);
    }
    const auto once = std::make_shared<OnceCall>(std::move(again));
    {
      absl::MutexLock lock(&mutex_);
      if (std::exchange(same_on_way_, true)) {
        others_.push_back(once);
        mutex_.Unlock();
        cancellation.Add([once] { once->Run(); });
        mutex_.Lock();
        return absl::nullopt;
      }
    }
    absl::StatusOr<ProvidedArtifact> provided = ProvideOne(order, progress, cancellation);
    std::vector<std::shared_ptr<OnceCall>> others;
    {
      absl::MutexLock lock(&mutex_);
      same_on_way_ = false;
      others.swap(others_);
    }
    for (const auto& other : others) other->Run();
    return provided;
  }

  absl::Status Copy(const ProvidedArtifact& provided, const internal::ArtifactPlan& plan, int,
                    uint32_t uid, uint32_t) override {
    absl::MutexLock lock(&mutex_);
    copies_.push_back(absl::StrCat(provided.fetched.outside, " to ", plan.home(), " of ", uid));
    return absl::OkStatus();
  }

  void Recover(const std::string& task_id, const internal::LaunchPlan& plan) override {
    if (plan.artifacts().empty()) return;
    absl::MutexLock lock(&mutex_);
    held_.insert(task_id);
  }
  void Release(const std::string& task_id) override {
    absl::MutexLock lock(&mutex_);
    held_.erase(task_id);
  }

  // Lets `count` of those that wait come.
  void Let(int count) {
    absl::MutexLock lock(&mutex_);
    let_ += count;
  }
  void AwaitWaiting(int count) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return waiting_ == count; };
    mutex_.Await(absl::Condition(&there));
  }
  // That wait for another's fetch of "same".
  void AwaitOthers(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return others_.size() == count;
    };
    mutex_.Await(absl::Condition(&there));
  }
  int most_at_once() const {
    absl::MutexLock lock(&mutex_);
    return most_at_once_;
  }
  std::set<std::string> held() const {
    absl::MutexLock lock(&mutex_);
    return held_;
  }
  std::vector<std::string> copies() const {
    absl::MutexLock lock(&mutex_);
    return copies_;
  }

 private:
  absl::StatusOr<ProvidedArtifact> ProvideOne(const ArtifactOrder& order,
                                              const ArtifactProgress& progress,
                                              Cancellation& cancellation) {
    const std::string& source = order.plan.source();
    v1::ArtifactStatus status;
    status.set_state(v1::ArtifactStatus::STATE_FETCHING);
    status.set_attempts(1);
    progress(status);
    if (absl::StartsWith(source, "https://h/bad")) return absl::DataLossError("wrong digest");
    if (absl::StartsWith(source, "https://h/busy")) {
      return artifact::MarkRetryable(absl::UnavailableError("503"));
    }
    absl::MutexLock lock(&mutex_);
    if (absl::StartsWith(source, "https://h/wait") || absl::StartsWith(source, "https://h/same")) {
      most_at_once_ = std::max(most_at_once_, ++at_once_);
      ++waiting_;
      // Shared with a call that comes late.
      auto cancelled = std::make_shared<bool>(false);
      mutex_.Unlock();
      const uint64_t id = cancellation.Add([this, cancelled] {
        absl::MutexLock lock(&mutex_);
        *cancelled = true;
      });
      mutex_.Lock();
      const auto go_on = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return *cancelled || let_ > 0;
      };
      mutex_.Await(absl::Condition(&go_on));
      --at_once_;
      --waiting_;
      if (*cancelled) return absl::CancelledError("cancelled");
      --let_;
      mutex_.Unlock();
      cancellation.Remove(id);
      mutex_.Lock();
    }
    return Make(order);
  }
  ProvidedArtifact Make(const ArtifactOrder& order) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    held_.insert(order.task_id);
    ProvidedArtifact provided;
    provided.fetched.outside = absl::StrCat("/cache/", order.plan.source().substr(10));
    provided.fetched.entries = {{"f", false, false, 1, 2}};
    provided.status.set_state(v1::ArtifactStatus::STATE_READY);
    return provided;
  }

  mutable absl::Mutex mutex_;
  int let_ ABSL_GUARDED_BY(mutex_) = 0;
  bool same_on_way_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<OnceCall>> others_ ABSL_GUARDED_BY(mutex_);
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  int at_once_ ABSL_GUARDED_BY(mutex_) = 0;
  int most_at_once_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<std::string> held_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> copies_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TESTING_FAKE_ARTIFACTS_H_
