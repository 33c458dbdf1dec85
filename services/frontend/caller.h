// Who is calling, as authentication found it. The services take it as a function, so that their
// tests can be anybody.
#ifndef CLOISTER_SERVICES_FRONTEND_CALLER_H_
#define CLOISTER_SERVICES_FRONTEND_CALLER_H_

#include <grpcpp/server_context.h>

#include <functional>

#include "absl/status/statusor.h"
#include "libs/rpc/principal.h"

namespace cloister::frontend {

using CallerOf = std::function<absl::StatusOr<rpc::Principal>(const grpc::ServerContextBase&)>;

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_CALLER_H_
