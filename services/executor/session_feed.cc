#include "services/executor/session_feed.h"

#include <limits>
#include <utility>

#include "libs/base/status_macros.h"

namespace cloister::executor {

absl::StatusOr<std::unique_ptr<SessionFeed>> SessionFeed::Open(engine::Engine* engine) {
  auto state = std::make_shared<State>();
  // Without a limit: it is read on the thread that makes the change, and what waits for a frontend
  // is bounded by the session's own outbox.
  CLOISTER_ASSIGN_OR_RETURN(
      std::shared_ptr<engine::TaskWatch> watch,
      engine->Watch(
          "", [state] { state->Drain(); }, std::numeric_limits<size_t>::max()));
  absl::MutexLock lock(&state->mutex);
  state->watch = std::move(watch);
  return std::unique_ptr<SessionFeed>(new SessionFeed(state));
}

SessionFeed::SessionFeed(std::shared_ptr<State> state) : state_(std::move(state)) {}

SessionFeed::~SessionFeed() {
  absl::MutexLock lock(&state_->mutex);
  state_->session = nullptr;
  // The watch's callback holds the state, and the state the watch.
  state_->watch->Cancel();
  state_->watch = nullptr;
}

void SessionFeed::Begin(NodeSession* session) {
  {
    absl::MutexLock lock(&state_->mutex);
    state_->session = session;
  }
  state_->Drain();
}

void SessionFeed::State::Drain() {
  absl::MutexLock lock(&mutex);
  engine::TaskEvent event;
  while (session != nullptr && watch->Next(&event) == engine::TaskWatch::Poll::kEvent) {
    // A session takes its own snapshot.
    if (event.kind != engine::TaskEvent::Kind::kChange) continue;
    if (event.change == engine::TaskChange::kDestroyed) {
      session->Destroyed(event.task->id());
    } else {
      session->Update(event.task);
    }
  }
}

}  // namespace cloister::executor
