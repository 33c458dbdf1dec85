#include "libs/rpc/guarded_service.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/method_handler.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::rpc {
namespace {

using ::grpc::ByteBuffer;
using ::grpc::CallbackServerContext;
using ::grpc::internal::MethodHandler;
using ::grpc::internal::RpcMethod;

// Ends a call of its kind at once.
template <typename Reactor>
class Refusal : public Reactor {
 public:
  explicit Refusal(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

// A handler that refuses each call, whatever its messages are.
std::unique_ptr<MethodHandler> RefusingHandler(RpcMethod::RpcType type, grpc::Status status) {
  switch (type) {
    case RpcMethod::NORMAL_RPC:
      return std::make_unique<grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>>(
          [status](CallbackServerContext*, const ByteBuffer*, ByteBuffer*) {
            return new Refusal<grpc::ServerUnaryReactor>(status);
          });
    case RpcMethod::CLIENT_STREAMING:
      return std::make_unique<
          grpc::internal::CallbackClientStreamingHandler<ByteBuffer, ByteBuffer>>(
          [status](CallbackServerContext*, ByteBuffer*) {
            return new Refusal<grpc::ServerReadReactor<ByteBuffer>>(status);
          });
    case RpcMethod::SERVER_STREAMING:
      return std::make_unique<
          grpc::internal::CallbackServerStreamingHandler<ByteBuffer, ByteBuffer>>(
          [status](CallbackServerContext*, const ByteBuffer*) {
            return new Refusal<grpc::ServerWriteReactor<ByteBuffer>>(status);
          });
    case RpcMethod::BIDI_STREAMING:
      break;
  }
  return std::make_unique<grpc::internal::CallbackBidiHandler<ByteBuffer, ByteBuffer>>(
      [status](CallbackServerContext*) {
        return new Refusal<grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>>(status);
      });
}

class GuardedHandler : public MethodHandler {
 public:
  GuardedHandler(const RpcMethod& method, MethodHandler* guarded, const Authorizer* authorizer)
      : method_(method.name()),
        type_(method.method_type()),
        guarded_(guarded),
        authorizer_(authorizer) {}

  // gRPC calls this first, where the request is one message. It is left as it is until we know who
  // sent it.
  void* Deserialize(grpc_call*, grpc_byte_buffer* request, grpc::Status*,
                    void** handler_data) override {
    *handler_data = request;
    return nullptr;
  }

  void RunHandler(const HandlerParameter& parameter) override {
    const absl::Status allowed = authorizer_->Authorize(method_, *parameter.server_context);
    if (allowed.ok()) {
      Run(guarded_, parameter);
    } else {
      // Done with by the time it returns: the reactor that it makes lives by itself.
      Run(RefusingHandler(type_, ToGrpcStatus(allowed)).get(), parameter);
    }
  }

 private:
  // Both halves of what gRPC does with a handler.
  void Run(MethodHandler* handler, const HandlerParameter& parameter) const {
    void* request = nullptr;
    void* handler_data = nullptr;
    grpc::Status status = parameter.status;
    if (type_ == RpcMethod::NORMAL_RPC || type_ == RpcMethod::SERVER_STREAMING) {
      request = handler->Deserialize(parameter.call->call(),
                                     static_cast<grpc_byte_buffer*>(parameter.internal_data),
                                     &status, &handler_data);
    }
    handler->RunHandler(HandlerParameter(parameter.call, parameter.server_context, request, status,
                                         handler_data, parameter.call_requester));
  }

  const std::string method_;
  const RpcMethod::RpcType type_;
  MethodHandler* const guarded_;
  const Authorizer* const authorizer_;
};

RpcMethod::RpcType TypeOf(const google::protobuf::MethodDescriptor& method) {
  if (method.client_streaming()) {
    return method.server_streaming() ? RpcMethod::BIDI_STREAMING : RpcMethod::CLIENT_STREAMING;
  }
  return method.server_streaming() ? RpcMethod::SERVER_STREAMING : RpcMethod::NORMAL_RPC;
}

// Reaches the protected accessor of another service, by a pointer to member.
class HandlerAccess : public grpc::Service {
 public:
  static MethodHandler* Get(grpc::Service* service, int index) {
    return (service->*(&HandlerAccess::GetHandler))(index);
  }
};

class GuardedService : public grpc::Service {
 public:
  GuardedService(const google::protobuf::ServiceDescriptor& descriptor, grpc::Service* guarded,
                 const Authorizer* authorizer) {
    names_.reserve(static_cast<size_t>(descriptor.method_count()));  // gRPC keeps the pointers.
    for (int i = 0; i < descriptor.method_count(); ++i) {
      const google::protobuf::MethodDescriptor& method = *descriptor.method(i);
      names_.push_back(absl::StrCat("/", descriptor.full_name(), "/", method.name()));
      auto* added =
          new grpc::internal::RpcServiceMethod(names_.back().c_str(), TypeOf(method), nullptr);
      AddMethod(added);
      MarkMethodCallback(i, new GuardedHandler(*added, HandlerAccess::Get(guarded, i), authorizer));
    }
  }

 private:
  std::vector<std::string> names_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<grpc::Service>> GuardService(const ServedService& service,
                                                            const Authorizer* authorizer) {
  // In the order of the descriptor, in which the generated code registers its methods, too.
  const google::protobuf::ServiceDescriptor* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service.full_name());
  if (descriptor == nullptr) {
    return absl::InternalError(
        absl::StrCat("service ", service.full_name(), " has no descriptor in this program"));
  }
  return std::make_unique<GuardedService>(*descriptor, service.implementation(), authorizer);
}

}  // namespace cloister::rpc
