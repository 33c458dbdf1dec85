#include "services/frontend/join_session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/status_conversion.h"
#include "services/frontend/frontend_error.h"

namespace cloister::frontend {

JoinSession::JoinSession(JoinSessions* sessions, grpc::CallbackServerContext* caller)
    : sessions_(sessions), caller_(caller), last_heard_(sessions->parts().clock->Monotonic()) {
  sessions_->Add(this);
  drain_ = sessions_->parts().drain->Subscribe(
      [this] { Close(rpc::DrainSignal::Refusal(), Manner::kFinishWrite); });
  StartRead(&incoming_);
}

void JoinSession::BreakIfSilentSince(absl::Duration since) {
  {
    absl::MutexLock lock(&mu_);
    if (last_heard_ >= since) return;
  }
  Close(absl::UnavailableError("nothing was heard of the node for three heartbeats"),
        Manner::kAbort);
}

void JoinSession::Replace() {
  Close(absl::AbortedError("a later session of this node has taken over"), Manner::kAbort);
}

void JoinSession::OnReadDone(bool ok) {
  const absl::Status status = ok ? Handle() : absl::OkStatus();
  if (!ok || !status.ok()) {
    Close(status, Manner::kFinishWrite);
    return;
  }
  Acknowledge();
  incoming_.Clear();
  StartRead(&incoming_);
}

void JoinSession::OnWriteDone(bool ok) {
  grpc::Status status;
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok && !closed_) {
      closed_ = true;
      close_status_ = absl::CancelledError("the node has gone");
    }
    if (!closed_) {
      if (!more_to_write_) return;
      more_to_write_ = false;
      writing_ = true;
      outgoing_ = Answer();
    }
    status = rpc::ToGrpcStatus(close_status_);
    if (!closed_) {
      StartWrite(&outgoing_);
      return;
    }
  }
  Finish(status);
}

void JoinSession::OnCancel() {
  Close(absl::CancelledError("the node has gone"), Manner::kFinishWrite);
}

void JoinSession::OnDone() {
  sessions_->Remove(this, id_);
  sessions_->parts().registry->Lose(id_);
  delete this;
}

absl::Status JoinSession::Handle() {
  {
    absl::MutexLock lock(&mu_);
    last_heard_ = sessions_->parts().clock->Monotonic();
  }
  if (id_ == 0) {
    if (!incoming_.has_register_()) return BadField("register", "must come first");
    return Register(incoming_.register_());
  }
  if (!incoming_.has_status()) return BadField("status", "must follow register");
  const uint64_t sequence = incoming_.status().sequence();
  CLOISTER_RETURN_IF_ERROR(
      sessions_->parts().registry->Apply(id_, std::move(*incoming_.mutable_status())));
  absl::MutexLock lock(&mu_);
  acked_ = sequence;
  return absl::OkStatus();
}

absl::Status JoinSession::Register(const v1::RegisterNode& node) {
  const JoinSessions::Parts& parts = sessions_->parts();
  CLOISTER_RETURN_IF_ERROR(sessions_->options().may_join(*caller_, node.node()));
  CLOISTER_ASSIGN_OR_RETURN(const NodeRegistry::Registration registration,
                            parts.registry->Register(node));
  id_ = registration.session;
  sessions_->Registered(this, id_, registration.replaced);
  // Only now: a refused stranger must not change where calls go.
  return parts.connections->Connect(node.node());
}

void JoinSession::Acknowledge() {
  absl::MutexLock lock(&mu_);
  if (closed_) return;
  if (writing_) {
    more_to_write_ = true;
    return;
  }
  writing_ = true;
  outgoing_ = Answer();
  StartWrite(&outgoing_);
}

v1::JoinResponse JoinSession::Answer() const {
  v1::JoinResponse answer;
  answer.set_frontend_id(sessions_->options().frontend_id);
  answer.set_acked_sequence(acked_);
  answer.set_heartbeat_interval_ms(
      absl::ToInt64Milliseconds(sessions_->options().heartbeat_interval));
  return answer;
}

void JoinSession::Close(const absl::Status& status, Manner manner) {
  // Not only when the stream has ended: on a dead connection that can take long.
  sessions_->parts().registry->Lose(id_);
  {
    absl::MutexLock lock(&mu_);
    if (closed_) return;
    closed_ = true;
    close_status_ = status;
    if (writing_) {
      // Its end finishes the stream.
      if (manner == Manner::kAbort) caller_->TryCancel();
      return;
    }
  }
  Finish(rpc::ToGrpcStatus(status));
}

}  // namespace cloister::frontend
