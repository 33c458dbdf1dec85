// One executor's session, as NodeSessionService serves it.
#ifndef CLOISTER_SERVICES_FRONTEND_JOIN_SESSION_H_
#define CLOISTER_SERVICES_FRONTEND_JOIN_SESSION_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cloister/v1/node_session.pb.h"
#include "libs/rpc/drain_signal.h"
#include "services/frontend/join_sessions.h"

namespace cloister::frontend {

// Messages are applied one after the other, in the order of the stream. One answer is under way at
// a time and tells the newest acknowledged sequence, so a node that does not read costs nothing.
class JoinSession final : public grpc::ServerBidiReactor<v1::JoinRequest, v1::JoinResponse> {
 public:
  // `sessions` outlives it. Deletes itself when it is done.
  JoinSession(JoinSessions* sessions, grpc::CallbackServerContext* caller);

  // From any thread, while `sessions` has it:

  // Breaks the session if it has been silent since before `since` (monotonic time).
  void BreakIfSilentSince(absl::Duration since);
  // A later session of the same node has taken over.
  void Replace();

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  absl::Status Handle();
  absl::Status Register(const v1::RegisterNode& node);
  void Acknowledge();
  v1::JoinResponse Answer() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  enum class Manner {
    kFinishWrite,  // After the answer that is under way.
    kAbort,        // The peer may never take that answer: cancel it.
  };
  void Close(const absl::Status& status, Manner manner);

  JoinSessions* const sessions_;
  grpc::CallbackServerContext* const caller_;
  v1::JoinRequest incoming_;
  // 0 until it is registered.
  std::atomic<NodeRegistry::SessionId> id_ = 0;

  absl::Mutex mu_;
  absl::Duration last_heard_ ABSL_GUARDED_BY(mu_);
  uint64_t acked_ ABSL_GUARDED_BY(mu_) = 0;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool more_to_write_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status close_status_ ABSL_GUARDED_BY(mu_);
  v1::JoinResponse outgoing_ ABSL_GUARDED_BY(mu_);

  rpc::DrainSignal::Subscription drain_;  // Last: it ends first.
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_JOIN_SESSION_H_
