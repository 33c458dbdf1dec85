// Deadlines of calls: each has one, a server does not hold on to a call for longer than it likes,
// and the second hop gives up a little before the first.

#ifndef CLOISTER_LIBS_RPC_DEADLINE_H_
#define CLOISTER_LIBS_RPC_DEADLINE_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include "absl/time/time.h"

namespace cloister::rpc {

// The client's deadline of a call; infinite if it set none.
absl::Time CallDeadline(const grpc::ServerContextBase& context);

// The deadline that a server works by: the client's, but at most `cap` from now, as clients set
// none or one in ten years.
absl::Time CappedDeadline(absl::Time deadline, absl::Time now, absl::Duration cap);

// For the call to the next server: early enough that its DEADLINE_EXCEEDED, which knows more,
// arrives before ours. A twentieth of what is left, at least 5 ms and at most 500 ms; never before
// `now`. An infinite deadline stays so.
absl::Time ForwardDeadline(absl::Time deadline, absl::Time now);

// For clients. An infinite one is none: for streams that are watched for ever.
void SetDeadline(grpc::ClientContext* context, absl::Duration timeout);
void SetDeadline(grpc::ClientContext* context, absl::Time deadline);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_DEADLINE_H_
