// What every forwarded call has in common, unary or stream.
#ifndef CLOISTER_SERVICES_FRONTEND_FORWARD_CALL_H_
#define CLOISTER_SERVICES_FRONTEND_FORWARD_CALL_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <string>

#include "absl/strings/string_view.h"
#include "services/frontend/executor_connections.h"

namespace cloister::frontend {

// Where a call goes, and for whom.
struct ForwardTarget {
  std::string node_id;
  ExecutorStub stub;
  // Who called the frontend, as the executor is to know it (rpc::Principal::ToString()).
  std::string principal;
};

// The executor's deadline comes before the caller's, so that its own answer to a passed deadline
// still arrives: by a tenth of what remains, at most by this.
inline constexpr std::chrono::milliseconds kMaxDeadlineMargin{100};

// The caller's remaining time less the margin. Without a deadline there is none.
std::chrono::system_clock::time_point ForwardDeadline(std::chrono::system_clock::time_point now,
                                                      std::chrono::system_clock::time_point caller);

// Deadline and principal of a call to `target` on behalf of `caller`.
void PrepareForward(const grpc::ServerContextBase& caller, const ForwardTarget& target,
                    grpc::ClientContext* forward);

// No answer came: the transport's UNAVAILABLE, which has no details, unlike an executor's.
bool IsConnectionFailure(const grpc::Status& status);

// What the caller gets: the executor's status unchanged, details included, or NODE_UNREACHABLE.
grpc::Status AnswerOf(absl::string_view node_id, const grpc::Status& status);

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_FORWARD_CALL_H_
