// A task that this terminal is attached to: its output comes here as bytes, our signals go there,
// and the end is its end.
#ifndef CLOISTER_TOOLS_CLOISTER_ATTACHED_RUN_H_
#define CLOISTER_TOOLS_CLOISTER_ATTACHED_RUN_H_

#include <atomic>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "cloister/v1/task_service.pb.h"
#include "libs/base/owned_fd.h"
#include "tools/cloister/client.h"
#include "tools/cloister/interrupts.h"

namespace cloister {

// Starts a task and follows it to its end. One use.
class AttachedRun {
 public:
  // `client` and `interrupts` outlive this object. `note` says a line to the person; from any
  // thread.
  AttachedRun(Client* client, const Interrupts* interrupts,
              std::function<void(const std::string&)> note);

  // While the task waits for its artifacts: called with it, whenever they are further. Set before
  // Follow.
  void OnProgress(std::function<void(const v1::Task&)> on_progress) {
    on_progress_ = std::move(on_progress);
  }

  // Starts the task, copies its stdout and stderr to ours until both have ended, and returns the
  // ended task. Meanwhile the first SIGINT, SIGTERM or SIGHUP stops the task, the second kills it,
  // the third gives up on it and ends this program. A reader of ours that went away (EPIPE) stops
  // the task too, as it would stop a local command.
  absl::StatusOr<v1::Task> Follow(const v1::StartTaskRequest& request,
                                  const std::function<void(const v1::Task&)>& started);

  // After Follow: whether all that the task wrote is where it should be. What is missing was noted.
  bool output_is_complete() const { return output_is_complete_; }

 private:
  void ForwardInterrupts(int wake_fd);
  void Stop(bool kill);
  // The task once its exec is done; or why it never was.
  absl::StatusOr<v1::Task> Start(v1::StartTaskRequest request);
  void Started(const std::string& task_id);
  absl::Status CopyOutput(v1::LogStream stream, int fd);

  Client* const client_;
  const Interrupts* const interrupts_;
  const std::function<void(const std::string&)> note_;
  std::function<void(const v1::Task&)> on_progress_;

  bool output_is_complete_ = true;

  absl::Mutex mutex_;
  // Empty until the task was started.
  std::string task_id_ ABSL_GUARDED_BY(mutex_);
  // Signals that have come so far.
  int interrupts_seen_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_ATTACHED_RUN_H_
