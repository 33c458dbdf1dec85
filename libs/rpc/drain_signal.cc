#include "libs/rpc/drain_signal.h"

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/error_reason.h"
#include "libs/rpc/error_details.h"

namespace cloister::rpc {

struct DrainSignal::Listener {
  absl::Mutex mutex;
  std::function<void()> run ABSL_GUARDED_BY(mutex);  // Empty: has run, or shall not.
  bool running ABSL_GUARDED_BY(mutex) = false;
  std::thread::id runner ABSL_GUARDED_BY(mutex);

  void RunOnce() {
    std::function<void()> function;
    {
      absl::MutexLock lock(&mutex);
      function = std::exchange(run, nullptr);
      if (function == nullptr) return;
      running = true;
      runner = std::this_thread::get_id();
    }
    function();
    absl::MutexLock lock(&mutex);
    running = false;
  }
};

DrainSignal::Subscription& DrainSignal::Subscription::operator=(Subscription&& other) noexcept {
  End();
  listener_ = std::move(other.listener_);
  return *this;
}

DrainSignal::Subscription::~Subscription() { End(); }

void DrainSignal::Subscription::End() {
  if (listener_ == nullptr) return;
  const std::shared_ptr<Listener> listener = std::move(listener_);
  absl::MutexLock lock(&listener->mutex);
  listener->run = nullptr;
  // gRPC may run OnDone, which destroys us, inside the Finish that the listener calls.
  if (listener->running && listener->runner == std::this_thread::get_id()) return;
  listener->mutex.Await(absl::Condition(
      +[](bool* running) { return !*running; }, &listener->running));
}

DrainSignal::Subscription DrainSignal::Subscribe(std::function<void()> listener) {
  auto added = std::make_shared<Listener>();
  {
    absl::MutexLock lock(&added->mutex);
    added->run = std::move(listener);
  }
  Subscription subscription(added);
  {
    absl::MutexLock lock(&mutex_);
    if (!draining_) {
      if (listeners_.size() >= sweep_at_) {
        listeners_.remove_if([](const auto& weak) { return weak.expired(); });
        sweep_at_ = std::max<size_t>(64, listeners_.size() * 2);
      }
      listeners_.push_back(added);
      return subscription;
    }
  }
  added->RunOnce();
  return subscription;
}

bool DrainSignal::draining() const {
  absl::MutexLock lock(&mutex_);
  return draining_;
}

void DrainSignal::Fire() {
  std::list<std::weak_ptr<Listener>> listeners;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    listeners.swap(listeners_);
  }
  for (const std::weak_ptr<Listener>& weak : listeners) {
    if (const std::shared_ptr<Listener> listener = weak.lock()) listener->RunOnce();
  }
}

absl::Status DrainSignal::Refusal() {
  return WithRetryDelay(
      WithReason(absl::UnavailableError("the server is shutting down"), "SHUTTING_DOWN"),
      absl::Seconds(1));
}

}  // namespace cloister::rpc
