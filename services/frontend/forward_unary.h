// Forwards one unary call to an executor. It holds no thread, and is cancelled when its caller is.
#ifndef CLOISTER_SERVICES_FRONTEND_FORWARD_UNARY_H_
#define CLOISTER_SERVICES_FRONTEND_FORWARD_UNARY_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <utility>

#include "services/frontend/forward_call.h"

namespace cloister::frontend {

template <typename Request, typename Response>
class UnaryForward final : public grpc::ServerUnaryReactor {
 public:
  // The stub's method with a callback.
  using Method = void (v1::TaskService::StubInterface::async_interface::*)(
      grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>);
  // Gets the executor's status as it came, and gives the caller's; may change the response.
  using Answer = std::function<grpc::Status(const grpc::Status&)>;

  // `request` and `response` are those of the caller's call. Deletes itself when it is done.
  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* caller, ForwardTarget target,
                                         Method method, const Request* request, Response* response,
                                         Answer answer) {
    auto* forward = new UnaryForward(std::move(target), std::move(answer));
    PrepareForward(*caller, forward->target_, kMaxUnaryTime, &forward->context_);
    (forward->target_.stub->async()->*method)(
        &forward->context_, request, response,
        [forward](const grpc::Status& status) { forward->Finish(forward->answer_(status)); });
    return forward;
  }

 private:
  UnaryForward(ForwardTarget target, Answer answer)
      : target_(std::move(target)), answer_(std::move(answer)) {}

  // The executor's answer to that, CANCELLED, finishes the caller's call.
  void OnCancel() override { context_.TryCancel(); }
  void OnDone() override { delete this; }

  const ForwardTarget target_;
  const Answer answer_;
  grpc::ClientContext context_;
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_FORWARD_UNARY_H_
