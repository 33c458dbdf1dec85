// JoinerLine: the executor's end of the line to one joiner. It holds no thread: what is not there
// yet is announced by a callback.
#ifndef CLOISTER_SERVICES_EXECUTOR_JOINER_LINE_H_
#define CLOISTER_SERVICES_EXECUTOR_JOINER_LINE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/engine/engine.h"
#include "libs/files/joiner_frame.h"
#include "libs/files/readiness_loop.h"

namespace cloister::executor {

// Used by one thread at a time, but for Cancel. After Next or Send has asked for the callback, the
// line is the callback's.
class JoinerLine {
 public:
  // What errors say: "read '/local/x': ...".
  struct Subject {
    std::string verb;
    std::string path;
  };

  // Starts a joiner and sends it the request. `on_ready` comes on the loop's thread, and must not
  // keep the line alive. `time` is how long the whole call may take.
  static absl::StatusOr<std::shared_ptr<JoinerLine>> Open(
      engine::Engine* engine, files::ReadinessLoop* loop, const std::string& task_id,
      Subject subject, const files::JoinerRequest& request, absl::Duration time,
      std::function<void()> on_ready);
  ~JoinerLine();
  JoinerLine(const JoinerLine&) = delete;
  JoinerLine& operator=(const JoinerLine&) = delete;

  // The next frame that is no failure; a failure, and the end without a kFrameEnd, is the error.
  // Nothing: there is none yet, and `on_ready` will be called, also if there is room to write when
  // `or_room`.
  absl::StatusOr<absl::optional<files::Frame>> Next(bool or_room = false);
  // As Next, but asks for nothing: what is there now.
  absl::StatusOr<absl::optional<files::Frame>> Peek();

  // False: no room now.
  absl::StatusOr<bool> Send(absl::string_view bytes);

  // Any thread: the call has ended. The joiner hears of it, and so does whoever waits.
  void Cancel();

 private:
  JoinerLine(engine::JoinedTask joined, Subject subject, absl::Time deadline,
             files::ReadinessLoop* loop, std::function<void()> on_ready);

  const engine::JoinedTask joined_;
  const Subject subject_;
  const absl::Time deadline_;
  files::ReadinessLoop* const loop_;
  const uint64_t watch_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_JOINER_LINE_H_
