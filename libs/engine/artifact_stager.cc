#include "libs/engine/artifact_stager.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/redacted_url.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_annotation.h"
#include "libs/engine/secret_copies.h"
#include "libs/launch/task_owner.h"
#include "libs/os/directory.h"
#include "libs/plan/place_artifacts.h"

namespace cloister::engine {

std::string ArtifactWords(size_t index, const internal::ArtifactPlan& plan) {
  return absl::StrCat("artifacts[", index, "] '", artifact::RedactedUrl(plan.source()), "'");
}

// One task's artifacts on their way.
struct ArtifactStager::Staging {
  StagingOrder order;
  Done done;
  std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>();

  absl::Mutex mutex;
  size_t next ABSL_GUARDED_BY(mutex) = 0;
  // Those that have waited for another's fetch.
  std::vector<size_t> again ABSL_GUARDED_BY(mutex);
  size_t finished ABSL_GUARDED_BY(mutex) = 0;
  absl::Status failed ABSL_GUARDED_BY(mutex);
  std::vector<ProvidedArtifact> provided ABSL_GUARDED_BY(mutex);
  std::vector<bool> is_provided ABSL_GUARDED_BY(mutex);
  absl::Duration last_told ABSL_GUARDED_BY(mutex) = -absl::InfiniteDuration();

  size_t size() const { return static_cast<size_t>(order.plan->artifacts_size()); }
  const internal::ArtifactPlan& plan(size_t index) const {
    return order.plan->artifacts(static_cast<int>(index));
  }
  ArtifactOrder OrderOf(size_t index) const { return {plan(index), order.tenant, order.task_id}; }
};

namespace {

// Whether the command, if it is what `provided` has at that place, can be executed as it lies
// there: what is mounted read-only cannot be made executable, as the page promises it.
bool IsExecutable(const plan::FetchedArtifact& fetched, absl::string_view rest) {
  absl::StatusOr<OwnedFd> directory = OpenDirectory(fetched.outside);
  if (!directory.ok()) return true;
  absl::StatusOr<OwnedFd> file = OpenBeneath(directory->get(), std::string(rest), O_PATH);
  struct stat status;
  if (!file.ok() || fstat(file->get(), &status) != 0) return true;
  return !S_ISREG(status.st_mode) || (status.st_mode & 0111) != 0;
}

bool HasToBeMadeExecutable(const internal::Exec& exec, const internal::ArtifactPlan& plan,
                           const plan::FetchedArtifact& fetched) {
  for (absl::string_view candidate : exec.candidates()) {
    if (!IsBeneath(candidate, plan.directory()) || candidate == plan.directory()) continue;
    absl::string_view rest = candidate.substr(plan.directory().size() + 1);
    if (!plan.file_name().empty()) {
      if (rest != plan.file_name() || fetched.entries.empty()) continue;
      rest = fetched.entries.front().name;
    }
    if (!IsExecutable(fetched, rest)) return true;
  }
  return false;
}

v1::ArtifactStatus StatusOf(const internal::ArtifactPlan& plan, v1::ArtifactStatus status) {
  status.set_source(artifact::RedactedUrl(plan.source()));
  status.set_destination(plan.file_name().empty()
                             ? plan.directory()
                             : absl::StrCat(plan.directory(), "/", plan.file_name()));
  return status;
}

}  // namespace

ArtifactStager::ArtifactStager(StagingLimits limits, ArtifactProvider* provider, TaskTable* table,
                               const Clock* clock)
    : limits_(limits), provider_(provider), table_(table), clock_(clock) {}

ArtifactStager::~ArtifactStager() {
  std::vector<std::shared_ptr<Staging>> on_way;
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    for (const std::weak_ptr<Staging>& weak : on_way_) {
      if (auto staging = weak.lock()) on_way.push_back(std::move(staging));
    }
  }
  // What waits for another's fetch comes back to the queue by this; the threads stay until then.
  for (const auto& staging : on_way) staging->cancellation->Cancel();
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::shared_ptr<Cancellation> ArtifactStager::Stage(StagingOrder order, Done done) {
  auto staging = std::make_shared<Staging>();
  staging->order = std::move(order);
  staging->done = std::move(done);
  size_t missing = 0;
  {
    absl::MutexLock lock(&staging->mutex);
    staging->provided.resize(staging->size());
    staging->is_provided.resize(staging->size());
    for (size_t i = 0; i < staging->size(); ++i) {
      absl::optional<ProvidedArtifact> cached = provider_->TryCached(staging->OrderOf(i));
      v1::ArtifactStatus status;
      status.set_state(v1::ArtifactStatus::STATE_WAITING);
      if (cached.has_value()) {
        staging->provided[i] = *std::move(cached);
        staging->is_provided[i] = true;
        ++staging->finished;
        status = staging->provided[i].status;
      } else {
        ++missing;
      }
      staging->provided[i].status = StatusOf(staging->plan(i), std::move(status));
    }
  }
  const std::shared_ptr<Cancellation> cancellation = staging->cancellation;
  if (missing == 0) {
    Finish(*staging);
    return cancellation;
  }
  Tell(*staging, /*at_once=*/true);
  Enqueue(std::move(staging),
          std::min(missing, static_cast<size_t>(std::max(1, limits_.parallel_of_task))));
  return cancellation;
}

void ArtifactStager::Enqueue(std::shared_ptr<Staging> staging, size_t runners) {
  bool stopping = false;
  {
    absl::MutexLock lock(&mutex_);
    const auto gone = [](const std::weak_ptr<Staging>& weak) { return weak.expired(); };
    on_way_.erase(std::remove_if(on_way_.begin(), on_way_.end(), gone), on_way_.end());
    on_way_.push_back(staging);
    stopping = stopping_;
    for (size_t i = 0; i < runners; ++i) {
      queue_.push_back(staging);
      if (!stopping && idle_ < static_cast<int>(queue_.size()) &&
          threads_.size() < static_cast<size_t>(limits_.parallel)) {
        threads_.emplace_back([this] { Run(); });
      }
    }
  }
  // Not with the lock: what waits comes back to the queue by it.
  if (stopping) staging->cancellation->Cancel();
}

std::deque<std::shared_ptr<ArtifactStager::Staging>>::iterator ArtifactStager::NextInTurn() {
  // What is cancelled at the end takes no time.
  if (stopping_) return queue_.begin();
  const auto busy = [this](const std::shared_ptr<Staging>& staging)
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
                          const auto found = busy_.find(staging->order.tenant);
                          return found == busy_.end() ? 0 : found->second;
                        };
  int least = std::max(1, limits_.parallel * 3 / 4);
  auto next = queue_.end();
  for (auto entry = queue_.begin(); entry != queue_.end(); ++entry) {
    if (busy(*entry) >= least) continue;
    least = busy(*entry);
    next = entry;
  }
  return next;
}

void ArtifactStager::Run() {
  std::shared_ptr<Staging> staging;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (staging != nullptr) {
        const auto busy = busy_.find(staging->order.tenant);
        if (--busy->second == 0) busy_.erase(busy);
      }
      staging = nullptr;
      ++idle_;
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopping_ || NextInTurn() != queue_.end();
      };
      mutex_.Await(absl::Condition(&ready));
      --idle_;
      // What waits still gets its answer: it is cancelled, which is quick.
      if (queue_.empty()) return;
      const auto next = NextInTurn();
      staging = std::move(*next);
      queue_.erase(next);
      ++busy_[staging->order.tenant];
    }
    Work(staging);
  }
}

void ArtifactStager::Work(const std::shared_ptr<Staging>& staging) {
  while (true) {
    size_t index = 0;
    {
      absl::MutexLock lock(&staging->mutex);
      while (staging->next < staging->size() && staging->is_provided[staging->next]) {
        ++staging->next;
      }
      if (!staging->again.empty()) {
        index = staging->again.back();
        staging->again.pop_back();
      } else if (staging->next == staging->size()) {
        return;
      } else {
        index = staging->next++;
      }
    }
    if (!ProvideOne(staging, index)) continue;
    bool last = false;
    {
      absl::MutexLock lock(&staging->mutex);
      last = ++staging->finished == staging->size();
    }
    if (last) Finish(*staging);
  }
}

bool ArtifactStager::ProvideOne(const std::shared_ptr<Staging>& shared, size_t index) {
  Staging& staging = *shared;
  const internal::ArtifactPlan& plan = staging.plan(index);
  absl::StatusOr<ProvidedArtifact> provided = absl::CancelledError("no longer wanted");
  if (!staging.cancellation->cancelled()) {
    const auto progress = [&](const v1::ArtifactStatus& status) {
      {
        absl::MutexLock lock(&staging.mutex);
        staging.provided[index].status = StatusOf(plan, status);
      }
      Tell(staging, /*at_once=*/false);
    };
    const auto again = [this, shared, index] {
      {
        absl::MutexLock lock(&shared->mutex);
        shared->again.push_back(index);
      }
      Enqueue(shared, 1);
    };
    absl::optional<absl::StatusOr<ProvidedArtifact>> done = provider_->ProvideUnlessOther(
        staging.OrderOf(index), progress, *staging.cancellation, again);
    if (!done.has_value()) return false;
    provided = *std::move(done);
  }
  bool failed = false;
  {
    absl::MutexLock lock(&staging.mutex);
    if (provided.ok()) {
      provided->status = StatusOf(plan, std::move(provided->status));
      staging.provided[index] = *std::move(provided);
    } else {
      failed = staging.failed.ok();
      staging.provided[index].status.set_state(v1::ArtifactStatus::STATE_FAILED);
      // The first one counts: what it has cancelled says less.
      if (failed) staging.failed = Annotate(provided.status(), ArtifactWords(index, plan));
    }
  }
  // The task cannot start any more: what the others bring is for nothing.
  if (failed) staging.cancellation->Cancel();
  Tell(staging, /*at_once=*/false);
  return true;
}

void ArtifactStager::Tell(Staging& staging, bool at_once) {
  std::vector<v1::ArtifactStatus> statuses;
  {
    absl::MutexLock lock(&staging.mutex);
    const absl::Duration now = clock_->Monotonic();
    if (!at_once && now - staging.last_told < limits_.pace) return;
    staging.last_told = now;
    for (const ProvidedArtifact& provided : staging.provided) statuses.push_back(provided.status);
  }
  table_->Progress(staging.order.task_id, [&](v1::Task& task) {
    *task.mutable_artifacts() = {statuses.begin(), statuses.end()};
  });
}

void ArtifactStager::Finish(Staging& staging) {
  std::vector<ProvidedArtifact> provided;
  absl::Status status;
  {
    absl::MutexLock lock(&staging.mutex);
    provided = staging.provided;
    status = staging.failed;
  }
  std::vector<internal::Mount> mounts;
  if (status.ok()) {
    std::vector<plan::FetchedArtifact> fetched;
    for (size_t i = 0; i < provided.size(); ++i) {
      fetched.push_back(provided[i].fetched);
      fetched.back().copy |=
          HasToBeMadeExecutable(staging.order.plan->exec(), staging.plan(i), fetched.back());
    }
    plan::ArtifactPlacement placement =
        plan::PlaceArtifacts(staging.order.plan->artifacts(), fetched);
    mounts = std::move(placement.mounts);
    const launch::TaskOwner owner = launch::OwnerOf(staging.order.plan->identity());
    for (size_t index : placement.copies) {
      if (!status.ok()) break;
      const internal::ArtifactPlan& plan = staging.plan(index);
      status = Annotate(provider_->Copy(provided[index], plan, staging.order.directory.get(),
                                        plan.chown() ? owner.uid : 0, plan.chown() ? owner.gid : 0),
                        ArtifactWords(index, plan));
    }
    SecretCopies secrets(SecretsBytes(*staging.order.plan));
    for (size_t index : placement.secrets) {
      if (!status.ok()) break;
      const internal::ArtifactPlan& plan = staging.plan(index);
      status = Annotate(secrets.Add(plan, fetched[index]), ArtifactWords(index, plan));
    }
    for (internal::Mount& copy : secrets.Take()) mounts.push_back(std::move(copy));
  }
  Tell(staging, /*at_once=*/true);
  if (status.ok()) {
    std::move(staging.done)(std::move(mounts));
  } else {
    std::move(staging.done)(status);
  }
}

}  // namespace cloister::engine
