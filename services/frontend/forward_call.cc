#include "services/frontend/forward_call.h"

#include "absl/time/clock.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/deadline.h"
#include "libs/rpc/status_conversion.h"
#include "services/frontend/frontend_error.h"

namespace cloister::frontend {

void PrepareForward(const grpc::ServerContextBase& caller, const ForwardTarget& target,
                    absl::Duration max_time, grpc::ClientContext* forward) {
  const absl::Time now = absl::Now();
  const absl::Time deadline = rpc::CappedDeadline(rpc::CallDeadline(caller), now, max_time);
  rpc::SetDeadline(forward, rpc::ForwardDeadline(deadline, now));
  rpc::ForwardPrincipal(target.principal, forward);
}

bool IsConnectionFailure(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_details().empty();
}

grpc::Status AnswerOf(absl::string_view node_id, const grpc::Status& status) {
  if (!IsConnectionFailure(status)) return status;
  return rpc::ToGrpcStatus(NodeUnreachable(node_id, status.error_message()));
}

}  // namespace cloister::frontend
