// Forwards a stream of responses from an executor. One message is under way at a time: the next is
// read from the executor when the caller's connection has taken the last, so a slow reader slows
// the executor and costs the frontend one message. It holds no thread; cancellation goes both ways.
#ifndef CLOISTER_SERVICES_FRONTEND_FORWARD_STREAM_H_
#define CLOISTER_SERVICES_FRONTEND_FORWARD_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <utility>

#include "libs/rpc/drain_signal.h"
#include "libs/rpc/status_conversion.h"
#include "services/frontend/forward_call.h"

namespace cloister::frontend {

template <typename Request, typename Response>
class StreamForward final : public grpc::ServerWriteReactor<Response> {
 public:
  using Method = void (v1::TaskService::StubInterface::async_interface::*)(
      grpc::ClientContext*, const Request*, grpc::ClientReadReactor<Response>*);

  // `request` is that of the caller's call. Deletes itself when it is done.
  static grpc::ServerWriteReactor<Response>* Start(grpc::CallbackServerContext* caller,
                                                   ForwardTarget target, Method method,
                                                   const Request* request,
                                                   rpc::DrainSignal* drain) {
    auto* forward = new StreamForward(std::move(target), drain);
    PrepareForward(*caller, forward->target_, absl::InfiniteDuration(), &forward->context_);
    (forward->target_.stub->async()->*method)(&forward->context_, request, &forward->reader_);
    forward->reader_.Begin();
    return forward;
  }

 private:
  // The executor's side.
  class Reader final : public grpc::ClientReadReactor<Response> {
   public:
    explicit Reader(StreamForward* forward) : forward_(forward) {}

    void Begin() {
      // Reads are started by the caller's side too, so the stream must not end by itself between
      // two of them. One of read and write is always under way; whichever fails lets go.
      this->AddHold();
      this->StartRead(&forward_->message_);
      this->StartCall();
    }
    void OnReadDone(bool ok) override {
      if (ok) {
        forward_->StartWrite(&forward_->message_);
      } else {
        this->RemoveHold();
      }
    }
    // Finish() leads to the deletion of this object.
    void OnDone(const grpc::Status& status) override {
      forward_->Finish(forward_->ending_ ? rpc::ToGrpcStatus(rpc::DrainSignal::Refusal())
                                         : AnswerOf(forward_->target_.node_id, status));
    }

   private:
    StreamForward* const forward_;
  };

  StreamForward(ForwardTarget target, rpc::DrainSignal* drain)
      : target_(std::move(target)), reader_(this), drain_(drain->Subscribe([this] {
          ending_ = true;
          context_.TryCancel();
        })) {}

  void OnWriteDone(bool ok) override {
    if (ok) {
      reader_.StartRead(&message_);
      return;
    }
    context_.TryCancel();
    reader_.RemoveHold();
  }
  void OnCancel() override { context_.TryCancel(); }
  void OnDone() override { delete this; }

  const ForwardTarget target_;
  std::atomic<bool> ending_ = false;
  grpc::ClientContext context_;
  Response message_;
  Reader reader_;
  rpc::DrainSignal::Subscription drain_;  // Last: it ends first.
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_FORWARD_STREAM_H_
