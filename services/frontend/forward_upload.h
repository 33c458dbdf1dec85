// Forwards a stream of requests to an executor, which the first of them names. One message is under
// way at a time: the next is read from the caller when the executor's connection has taken the
// last, so a slow executor slows the caller and costs the frontend one message. It holds no thread;
// cancellation goes both ways.
#ifndef CLOISTER_SERVICES_FRONTEND_FORWARD_UPLOAD_H_
#define CLOISTER_SERVICES_FRONTEND_FORWARD_UPLOAD_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/status_conversion.h"
#include "services/frontend/forward_call.h"

namespace cloister::frontend {

template <typename Request, typename Response>
class UploadForward final : public grpc::ServerReadReactor<Request> {
 public:
  using Method = void (v1::TaskService::StubInterface::async_interface::*)(
      grpc::ClientContext*, Response*, grpc::ClientWriteReactor<Request>*);
  // Where the call goes, by its first message.
  using TargetOf = std::function<absl::StatusOr<ForwardTarget>(const Request& first)>;

  // `caller` and `response` are those of the caller's call. Deletes itself when it is done.
  static grpc::ServerReadReactor<Request>* Start(grpc::CallbackServerContext* caller,
                                                 TargetOf target_of, Method method,
                                                 Response* response, rpc::DrainSignal* drain) {
    auto* forward = new UploadForward(caller, std::move(target_of), method, response, drain);
    forward->StartRead(&forward->message_);
    return forward;
  }

 private:
  // The executor's side.
  class Writer final : public grpc::ClientWriteReactor<Request> {
   public:
    explicit Writer(UploadForward* forward) : forward_(forward) {}

    void Begin() {
      // Writes are started by the caller's side too, so the stream must not end by itself between
      // two of them. One of read and write is always under way; whichever fails lets go.
      this->AddHold();
      this->StartWrite(&forward_->message_);
      this->StartCall();
    }
    void OnWriteDone(bool ok) override {
      if (ok) {
        forward_->StartRead(&forward_->message_);
      } else {
        this->RemoveHold();
      }
    }
    void End() {
      this->StartWritesDone();
      this->RemoveHold();
    }
    // Finish() leads to the deletion of this object.
    void OnDone(const grpc::Status& status) override { forward_->Answer(status); }

   private:
    UploadForward* const forward_;
  };

  UploadForward(grpc::CallbackServerContext* caller, TargetOf target_of, Method method,
                Response* response, rpc::DrainSignal* drain)
      : caller_(caller),
        target_of_(std::move(target_of)),
        method_(method),
        response_(response),
        writer_(this),
        drain_(drain->Subscribe([this] {
          {
            absl::MutexLock lock(&mutex_);
            ending_ = true;
          }
          context_.TryCancel();
        })) {}

  void OnReadDone(bool ok) override {
    if (target_ != nullptr) {
      if (ok) {
        writer_.StartWrite(&message_);
      } else {
        writer_.End();
      }
      return;
    }
    if (!ok) return this->Finish(rpc::ToGrpcStatus(absl::InvalidArgumentError("an empty stream")));
    absl::StatusOr<ForwardTarget> target = target_of_(message_);
    if (!target.ok()) return this->Finish(rpc::ToGrpcStatus(target.status()));
    target_ = std::make_unique<ForwardTarget>(*std::move(target));
    PrepareForward(*caller_, *target_, absl::InfiniteDuration(), &context_);
    (target_->stub->async()->*method_)(&context_, response_, &writer_);
    writer_.Begin();
  }

  void Answer(const grpc::Status& status) {
    bool ending;
    {
      absl::MutexLock lock(&mutex_);
      ending = ending_;
    }
    this->Finish(ending && !status.ok() ? rpc::ToGrpcStatus(rpc::DrainSignal::Refusal())
                                        : AnswerOf(target_->node_id, status));
  }

  // Also what makes a read that is under way fail, which ends the call.
  void OnCancel() override { context_.TryCancel(); }
  void OnDone() override { delete this; }

  grpc::CallbackServerContext* const caller_;
  const TargetOf target_of_;
  const Method method_;
  Response* const response_;
  // Set by the first message.
  std::unique_ptr<ForwardTarget> target_;
  grpc::ClientContext context_;
  Request message_;
  Writer writer_;
  absl::Mutex mutex_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  rpc::DrainSignal::Subscription drain_;  // Last: it ends first.
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_FORWARD_UPLOAD_H_
