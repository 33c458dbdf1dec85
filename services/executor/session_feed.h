// SessionFeed: tells a NodeSession what happens to the engine's tasks.
#ifndef CLOISTER_SERVICES_EXECUTOR_SESSION_FEED_H_
#define CLOISTER_SERVICES_EXECUTOR_SESSION_FEED_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "libs/engine/engine.h"
#include "services/executor/node_session.h"

namespace cloister::executor {

class SessionFeed {
 public:
  // Changes count from now on, and wait until Begin. `engine` outlives the feed.
  static absl::StatusOr<std::unique_ptr<SessionFeed>> Open(engine::Engine* engine);
  ~SessionFeed();
  SessionFeed(const SessionFeed&) = delete;
  SessionFeed& operator=(const SessionFeed&) = delete;

  // `session` outlives the feed.
  void Begin(NodeSession* session);

 private:
  // Shared with the watch's callback, which may still run when the feed goes.
  struct State {
    absl::Mutex mutex;
    std::shared_ptr<engine::TaskWatch> watch ABSL_GUARDED_BY(mutex);
    NodeSession* session ABSL_GUARDED_BY(mutex) = nullptr;

    // One thread at a time, so that changes are told in their order.
    void Drain() ABSL_LOCKS_EXCLUDED(mutex);
  };

  explicit SessionFeed(std::shared_ptr<State> state);

  const std::shared_ptr<State> state_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_SESSION_FEED_H_
