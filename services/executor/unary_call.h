// UnaryCall: a unary call that is answered later, by any thread, once. It holds no thread
// meanwhile, and ends by itself when its client goes, when its time is up, or when the server
// drains.
#ifndef CLOISTER_SERVICES_EXECUTOR_UNARY_CALL_H_
#define CLOISTER_SERVICES_EXECUTOR_UNARY_CALL_H_

#include <grpcpp/alarm.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::executor {

template <typename Response>
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  // Lives until the call is done, and as long as somebody holds it. `response` is the call's own.
  static std::shared_ptr<UnaryCall> Open(Response* response) {
    std::shared_ptr<UnaryCall> call(new UnaryCall(response));
    call->self_ = call;
    return call;
  }

  // The next two are for the handler that opened the call, before it returns the reactor, each at
  // most once.

  // Ends the call with DrainSignal::Refusal() when the server drains: for calls that may last.
  void EndAtDrain(rpc::DrainSignal* drain) {
    drain_ = drain->Subscribe([this] { Fail(rpc::DrainSignal::Refusal()); });
  }

  // Ends the call with `status` at `deadline`.
  void EndAt(absl::Time deadline, absl::Status status) {
    alarm_ = std::make_unique<grpc::Alarm>();
    // Weak: the alarm keeps its callback until it goes, and it is ours.
    alarm_->Set(absl::ToChronoTime(deadline),
                [weak = std::weak_ptr<UnaryCall>(self_), status = std::move(status)](bool ok) {
                  std::shared_ptr<UnaryCall> call = weak.lock();
                  if (ok && call != nullptr) call->Fail(status);
                });
  }

  // Called when the call is done, whatever has ended it; here if it is done already. At most once,
  // on any thread.
  void OnEnd(std::function<void()> on_end) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      if (!done_) on_end_.swap(on_end);
    }
    if (on_end) on_end();
  }

  // The first answer counts; `fill` is called for that one only, and then the response is sent.
  void Answer(absl::FunctionRef<void(Response*)> fill) {
    if (!Claim()) return;
    fill(response_);
    Finish(grpc::Status::OK);
  }

  void Fail(const absl::Status& status) {
    if (Claim()) Finish(rpc::ToGrpcStatus(status));
  }

 private:
  explicit UnaryCall(Response* response) : response_(response) {}

  // True for the one that may finish.
  bool Claim() { return !ended_.exchange(true); }

  void OnCancel() override { Fail(absl::CancelledError("the client has cancelled the call")); }

  void OnDone() override {
    const std::shared_ptr<UnaryCall> self = std::move(self_);
    drain_ = rpc::DrainSignal::Subscription();
    if (alarm_ != nullptr) alarm_->Cancel();
    std::function<void()> on_end;
    {
      absl::MutexLock lock(&mutex_);
      done_ = true;
      on_end.swap(on_end_);
    }
    if (on_end) on_end();
  }

  Response* const response_;
  std::atomic<bool> ended_ = false;
  absl::Mutex mutex_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> on_end_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Alarm> alarm_;
  rpc::DrainSignal::Subscription drain_;
  std::shared_ptr<UnaryCall> self_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_UNARY_CALL_H_
