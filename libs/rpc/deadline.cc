#include "libs/rpc/deadline.h"

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace cloister::rpc {
namespace {

// Beyond it the clock's ticks of a 64-bit nanosecond counter would overflow.
constexpr absl::Duration kFarthest = absl::Hours(24 * 365 * 100);

}  // namespace

absl::Time CallDeadline(const grpc::ServerContextBase& context) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return absl::FromChrono(deadline);
}

absl::Time CappedDeadline(absl::Time deadline, absl::Time now, absl::Duration cap) {
  return std::min(deadline, now + cap);
}

absl::Time ForwardDeadline(absl::Time deadline, absl::Time now) {
  if (deadline == absl::InfiniteFuture()) return deadline;
  const absl::Duration margin =
      std::clamp((deadline - now) / 20, absl::Milliseconds(5), absl::Milliseconds(500));
  return std::max(deadline - margin, now);
}

void SetDeadline(grpc::ClientContext* context, absl::Duration timeout) {
  SetDeadline(context, absl::Now() + timeout);
}

void SetDeadline(grpc::ClientContext* context, absl::Time deadline) {
  if (deadline > absl::Now() + kFarthest) return;
  context->set_deadline(absl::ToChronoTime(std::max(deadline, absl::UnixEpoch())));
}

}  // namespace cloister::rpc
