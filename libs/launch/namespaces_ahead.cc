#include "libs/launch/namespaces_ahead.h"

#include <sched.h>

#include <utility>

#include "libs/launch/user_namespace.h"

namespace cloister {
namespace launch {

NamespacesAhead::~NamespacesAhead() {
  std::thread thread;
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

absl::StatusOr<OwnedFd> NamespacesAhead::Take(uint32_t first, uint32_t count) {
  {
    absl::MutexLock lock(&mutex_);
    if (count != count_) ready_.clear();
    count_ = count;
    last_ = first;
    failed_ = false;
    if (ahead_ > 0 && !thread_.joinable()) thread_ = std::thread(&NamespacesAhead::Run, this);
    auto found = ready_.find(first);
    if (found != ready_.end()) {
      OwnedFd made = std::move(found->second);
      ready_.erase(found);
      return made;
    }
  }
  return MakeRangeNamespace(first, count);
}

void NamespacesAhead::AwaitReady() {
  const auto settled = [this] {
    mutex_.AssertHeld();
    return Missing(ahead_) == 0;
  };
  absl::MutexLock lock(&mutex_);
  awaited_ = true;
  mutex_.Await(absl::Condition(&settled));
}

uint32_t NamespacesAhead::Missing(uint32_t ranges) const {
  if (count_ == 0 || failed_) return 0;
  for (uint64_t i = 1; i <= ranges; ++i) {
    const uint64_t first = last_ + i * count_;
    if (first + count_ > UINT32_MAX) return 0;
    if (ready_.count(static_cast<uint32_t>(first)) == 0) return static_cast<uint32_t>(first);
  }
  return 0;
}

// Launches side by side may ask for a range a little before the last one.
void NamespacesAhead::DropFarOnes() {
  const uint64_t near = uint64_t{ahead_} * count_;
  for (auto entry = ready_.begin(); entry != ready_.end();) {
    const uint64_t distance = entry->first > last_ ? entry->first - last_ : last_ - entry->first;
    entry = distance > near ? ready_.erase(entry) : std::next(entry);
  }
}

void NamespacesAhead::Run() {
  // A batch thread does not preempt a launch. (Refused, it is an ordinary thread.)
  const sched_param no_priority{};
  (void)sched_setscheduler(0, SCHED_BATCH, &no_priority);
  // Not for each range alone: a wake-up costs a launch as much as it saves.
  const auto has_work = [this] {
    mutex_.AssertHeld();
    return closing_ || Missing(awaited_ ? ahead_ : ahead_ / 2) != 0;
  };
  absl::MutexLock lock(&mutex_);
  for (;;) {
    mutex_.Await(absl::Condition(&has_work));
    DropFarOnes();
    for (uint32_t first; !closing_ && (first = Missing(ahead_)) != 0;) {
      const uint32_t count = count_;
      mutex_.Unlock();
      absl::StatusOr<OwnedFd> made = MakeRangeNamespace(first, count);
      mutex_.Lock();
      // The launch that asks for it gets the reason, by trying itself.
      if (!made.ok()) failed_ = true;
      if (made.ok() && count == count_) ready_.emplace(first, *std::move(made));
    }
    awaited_ = false;
    if (closing_) return;
  }
}

}  // namespace launch
}  // namespace cloister
