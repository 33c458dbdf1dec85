#include "services/frontend/join_sessions.h"

#include <chrono>

#include "services/frontend/join_session.h"

namespace cloister::frontend {

void JoinSessions::Start() {
  absl::MutexLock lock(&mu_);
  running_ = true;
  Arm();
}

void JoinSessions::Stop() {
  absl::MutexLock lock(&mu_);
  running_ = false;
  alarm_.reset();
}

void JoinSessions::Add(JoinSession* session) {
  absl::MutexLock lock(&mu_);
  sessions_.insert(session);
}

void JoinSessions::Registered(JoinSession* session, NodeRegistry::SessionId id,
                              NodeRegistry::SessionId replaced) {
  absl::MutexLock lock(&mu_);
  registered_[id] = session;
  const auto old = registered_.find(replaced);
  if (old != registered_.end()) old->second->Replace();
}

void JoinSessions::Remove(JoinSession* session, NodeRegistry::SessionId id) {
  absl::MutexLock lock(&mu_);
  sessions_.erase(session);
  registered_.erase(id);
}

void JoinSessions::Arm() {
  const auto next =
      std::chrono::system_clock::now() + absl::ToChronoNanoseconds(options_.heartbeat_interval);
  alarm_ = std::make_unique<grpc::Alarm>();
  alarm_->Set(next, [weak = weak_from_this()](bool expired) {
    const std::shared_ptr<JoinSessions> self = weak.lock();
    if (expired && self != nullptr) self->Sweep();
  });
}

void JoinSessions::Sweep() {
  const absl::Duration since = parts_.clock->Monotonic() - 3 * options_.heartbeat_interval;
  absl::MutexLock lock(&mu_);
  if (!running_) return;
  for (JoinSession* session : sessions_) session->BreakIfSilentSince(since);
  Arm();
}

}  // namespace cloister::frontend
