#include "services/frontend/forward_call.h"

#include <algorithm>

#include "libs/rpc/status_conversion.h"
#include "services/frontend/frontend_error.h"

namespace cloister::frontend {

using std::chrono::system_clock;

system_clock::time_point ForwardDeadline(system_clock::time_point now,
                                         system_clock::time_point caller) {
  if (caller == system_clock::time_point::max()) return caller;
  const auto remaining = std::max(caller - now, system_clock::duration::zero());
  return caller - std::min<system_clock::duration>(remaining / 10, kMaxDeadlineMargin);
}

void PrepareForward(const grpc::ServerContextBase& caller, const ForwardTarget& target,
                    grpc::ClientContext* forward) {
  forward->set_deadline(ForwardDeadline(system_clock::now(), caller.deadline()));
  forward->AddMetadata("cloister-principal", target.principal);
}

bool IsConnectionFailure(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_details().empty();
}

grpc::Status AnswerOf(absl::string_view node_id, const grpc::Status& status) {
  if (!IsConnectionFailure(status)) return status;
  return rpc::ToGrpcStatus(NodeUnreachable(node_id, status.error_message()));
}

}  // namespace cloister::frontend
