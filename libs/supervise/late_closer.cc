#include "libs/supervise/late_closer.h"

#include <sched.h>

#include <utility>

namespace cloister {
namespace supervise {
namespace {

// What waits longer for a lull than this is done without one, and so are as many.
constexpr absl::Duration kPatience = absl::Milliseconds(50);
constexpr size_t kMany = 8;

}  // namespace

LateCloser::LateCloser(const Lull* lull) : lull_(lull), thread_([this] { Run(); }) {}

LateCloser::~LateCloser() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  thread_.join();
}

void LateCloser::Close(OwnedFd fd) {
  if (!fd.valid()) return;
  absl::MutexLock lock(&mutex_);
  waiting_.push_back(std::move(fd));
}

void LateCloser::Run() {
  // Does not preempt whom it wakes beside, who has news to tell. (Refused, it is an ordinary
  // thread.)
  const sched_param no_priority{};
  (void)sched_setscheduler(0, SCHED_BATCH, &no_priority);
  const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ending_ || !waiting_.empty();
  };
  const auto urgent = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ending_ || waiting_.size() >= kMany;
  };
  while (true) {
    std::vector<OwnedFd> closing;
    absl::MutexLock lock(&mutex_, absl::Condition(&wanted));
    lull_->Await(&mutex_, absl::Condition(&urgent), kPatience);
    closing.swap(waiting_);
    if (closing.empty()) return;
    mutex_.Unlock();
    closing.clear();
    mutex_.Lock();
  }
}

}  // namespace supervise
}  // namespace cloister
