// A gRPC service with a guard in front: the authorizer is asked before a call's request is parsed
// and before its handler runs, for each method, so that no handler can forget to.
//
// The guard knows a method by the name under which it is registered and never by what the client
// sent, so that no spelling of a path passes it by (CVE-2026-33186). gRPC 1.51 offers no such place
// for callback services: its interceptors cannot refuse a call with a status, and its auth metadata
// processor has no details and no plaintext. So this wraps the handlers (grpc::internal, stable
// since 2016; an upgrade that changes them does not compile).

#ifndef CLOISTER_LIBS_RPC_GUARDED_SERVICE_H_
#define CLOISTER_LIBS_RPC_GUARDED_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/rpc/authorizer.h"

namespace cloister::rpc {

// A callback service and its name, which belong together: made by Serve() only.
class ServedService {
 public:
  const std::string& full_name() const { return full_name_; }
  grpc::Service* implementation() const { return implementation_; }

 private:
  template <typename Service>
  friend ServedService Serve(typename Service::CallbackService* implementation);
  ServedService(const char* full_name, grpc::Service* implementation)
      : full_name_(full_name), implementation_(implementation) {}

  std::string full_name_;
  grpc::Service* implementation_;
};

//   Serve<cloister::v1::TaskService>(&task_service)
// The implementation outlives the server.
template <typename Service>
ServedService Serve(typename Service::CallbackService* implementation) {
  return ServedService(Service::service_full_name(), implementation);
}

// What to register with gRPC in place of `service`. Both arguments outlive it. INTERNAL if the
// service's descriptor is not linked in.
absl::StatusOr<std::unique_ptr<grpc::Service>> GuardService(const ServedService& service,
                                                            const Authorizer* authorizer);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_GUARDED_SERVICE_H_
