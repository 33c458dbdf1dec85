// What every forwarded call has in common, unary or stream.
#ifndef CLOISTER_SERVICES_FRONTEND_FORWARD_CALL_H_
#define CLOISTER_SERVICES_FRONTEND_FORWARD_CALL_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/rpc/principal.h"
#include "services/frontend/executor_connections.h"

namespace cloister::frontend {

// Where a call goes, and for whom.
struct ForwardTarget {
  std::string node_id;
  ExecutorStub stub;
  rpc::Principal principal;
};

// How long a unary call may take whose caller says nothing, or says longer.
inline constexpr absl::Duration kMaxUnaryTime = absl::Minutes(10);

// Deadline (the caller's, a little earlier, and at most `max_time` from now) and principal of a
// call to `target` on behalf of `caller`.
void PrepareForward(const grpc::ServerContextBase& caller, const ForwardTarget& target,
                    absl::Duration max_time, grpc::ClientContext* forward);

// No answer came: the transport's UNAVAILABLE, which has no details, unlike an executor's.
bool IsConnectionFailure(const grpc::Status& status);

// What the caller gets: the executor's status unchanged, details included, or NODE_UNREACHABLE.
grpc::Status AnswerOf(absl::string_view node_id, const grpc::Status& status);

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_FORWARD_CALL_H_
