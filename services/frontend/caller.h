// Who is calling, as authentication found it: rpc::Principal::ToString(). The services take it as a
// function, so that their tests can be anybody.
#ifndef CLOISTER_SERVICES_FRONTEND_CALLER_H_
#define CLOISTER_SERVICES_FRONTEND_CALLER_H_

#include <grpcpp/server_context.h>

#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace cloister::frontend {

using CallerName = std::function<absl::StatusOr<std::string>(const grpc::ServerContextBase&)>;

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_CALLER_H_
