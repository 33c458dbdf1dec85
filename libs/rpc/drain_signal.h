// Tells open calls that the server is going: blocked ones and streams end themselves with
// UNAVAILABLE, so that a shutdown does not wait for them until its deadline and then cut them off.
//
//   class WatchReactor : public grpc::ServerWriteReactor<...> {
//     WatchReactor(DrainSignal* drain)
//         : drain_(drain->Subscribe([this] { FinishOnce(DrainSignal::Refusal()); })) {}
//     void OnDone() override { delete this; }  // Ends the subscription, too.
//     DrainSignal::Subscription drain_;        // Last member: it ends first.
//   };

#ifndef CLOISTER_LIBS_RPC_DRAIN_SIGNAL_H_
#define CLOISTER_LIBS_RPC_DRAIN_SIGNAL_H_

#include <functional>
#include <list>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace cloister::rpc {

// Thread-safe. Outlives its subscriptions.
class DrainSignal {
 private:
  struct Listener;

 public:
  // Ends when it is destroyed: afterwards the listener does not run, nor is it running, except
  // where the listener itself destroys its subscription.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

   private:
    friend class DrainSignal;
    explicit Subscription(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}
    void End();

    std::shared_ptr<Listener> listener_;
  };

  DrainSignal() = default;
  DrainSignal(const DrainSignal&) = delete;
  DrainSignal& operator=(const DrainSignal&) = delete;

  // `listener` runs once: on the thread that drains, or at once on this one if that has begun. It
  // must not block. A call may end by itself at the same moment, so whatever finishes it must
  // bear being told twice.
  Subscription Subscribe(std::function<void()> listener);

  bool draining() const;

  // Runs all listeners; later ones run when they subscribe. A second time does nothing.
  void Fire();

  // What a call ends with: UNAVAILABLE, reason SHUTTING_DOWN, to be tried again after a second.
  static absl::Status Refusal();

 private:
  mutable absl::Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  // Those whose subscription has ended are swept out now and then.
  std::list<std::weak_ptr<Listener>> listeners_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 64;
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_DRAIN_SIGNAL_H_
