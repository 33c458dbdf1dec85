// The session to one frontend: made, kept, made again.
#ifndef CLOISTER_SERVICES_EXECUTOR_FRONTEND_SESSION_H_
#define CLOISTER_SERVICES_EXECUTOR_FRONTEND_SESSION_H_

#include <grpcpp/alarm.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cloister/v1/node_session.grpc.pb.h"
#include "services/executor/back_off.h"
#include "services/executor/node_session.h"
#include "services/executor/session_outbox.h"

namespace cloister::executor {

// Thread-safe. Held by shared_ptr: the timer's last call may come after Stop().
class FrontendSession : public std::enable_shared_from_this<FrontendSession> {
 public:
  // `incarnation` as of MakeIncarnation(); `clock` outlives it.
  FrontendSession(std::shared_ptr<const NodeSessionOptions> options, std::string address,
                  std::string incarnation, const Clock* clock);

  void Start();
  // Returns when there is no stream and no callback any more.
  void Stop();

  void Update(const SharedTask& task);
  void Destroyed(absl::string_view task_id);

  // Sends what the two above have left.
  void Tell();

 private:
  // One stream; FrontendSession has at most one at a time.
  class Stream final : public grpc::ClientBidiReactor<v1::JoinRequest, v1::JoinResponse> {
   public:
    Stream(FrontendSession* session, std::shared_ptr<grpc::ChannelInterface> channel);
    void Begin();

    v1::JoinRequest outgoing;
    v1::JoinResponse incoming;
    grpc::ClientContext context;

   private:
    void OnReadDone(bool ok) override { session_->OnRead(ok); }
    void OnWriteDone(bool ok) override { session_->OnWritten(ok); }
    void OnDone(const grpc::Status& status) override { session_->OnStreamDone(status); }

    FrontendSession* const session_;
    const std::unique_ptr<v1::NodeSession::Stub> stub_;
  };

  // Registering: connected or not yet, the frontend has not answered. Joined: it has.
  enum class State { kIdle, kRegistering, kJoined, kEnding };

  // The next try, and if there cannot be one, a later try.
  void Connect();
  absl::Status OpenStream() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ConnectLater() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnRead(bool ok);
  void OnWritten(bool ok);
  void OnStreamDone(const grpc::Status& status);
  void TakeHeartbeatInterval() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The frontend has answered for the first time.
  void OnJoined();
  // Writes what there is to tell, unless a write is under way or the window is full; what is left
  // then goes with the next Pump.
  void Pump(bool heartbeat) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // One timer: the next try while there is no stream, else the next heartbeat.
  void SetTimer(absl::Duration delay) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnTimer();
  void Beat() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::shared_ptr<const NodeSessionOptions> options_;
  const std::string address_;
  const std::string incarnation_;
  const Clock* const clock_;

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  State state_ ABSL_GUARDED_BY(mu_) = State::kIdle;
  std::unique_ptr<Stream> stream_ ABSL_GUARDED_BY(mu_);
  // The one before, kept until there is another or Stop(): a process's last channel must not be
  // destroyed on one of gRPC's callback threads, which it would then wait for (1.51,
  // CallbackAlternativeCQ::Unref).
  std::unique_ptr<Stream> done_stream_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  // Tell, or the message before, has left something: it goes as soon as it can.
  bool behind_ ABSL_GUARDED_BY(mu_) = false;
  absl::Duration heartbeat_interval_ ABSL_GUARDED_BY(mu_);
  absl::Duration last_heard_ ABSL_GUARDED_BY(mu_);
  SessionOutbox outbox_ ABSL_GUARDED_BY(mu_);
  BackOff back_off_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<grpc::Alarm> timer_ ABSL_GUARDED_BY(mu_);
  // User callbacks that run now.
  int calling_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_FRONTEND_SESSION_H_
