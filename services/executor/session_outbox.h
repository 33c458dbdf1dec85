// SessionOutbox: what one frontend has still to be told of this node's tasks, as the messages of
// one NodeSession stream. Pure, not thread-safe; a new stream has a new outbox.
//
// What waits is bounded by the number of tasks, not of changes: a newer state of a task takes the
// place of an older one that waits. Kept apart are a STOPPING before the end and an end before the
// destruction, so that CREATED, STARTED, STOPPING, ENDED and DESTROYED can be told from the states.
#ifndef CLOISTER_SERVICES_EXECUTOR_SESSION_OUTBOX_H_
#define CLOISTER_SERVICES_EXECUTOR_SESSION_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "cloister/v1/node_session.pb.h"
#include "cloister/v1/task.pb.h"

namespace cloister::executor {

using SharedTask = std::shared_ptr<const v1::Task>;

// It is known that the task does not run any more.
bool HasEnded(const v1::Task& task);

class SessionOutbox {
 public:
  // Messages on their way without an acknowledgement; then the outbox waits, and coalesces.
  static constexpr uint64_t kWindow = 16;
  // A message holds at most so many tasks, and so many bytes unless one task alone has more.
  static constexpr size_t kMaxMessageTasks = 256;
  static constexpr size_t kMaxMessageBytes = 1 << 20;

  // `max_waiting`: changes, the snapshot aside.
  explicit SessionOutbox(size_t max_waiting = 65536) : max_waiting_(max_waiting) {}

  // What happened, in the order in which it happened.
  void Update(SharedTask task);
  void Destroyed(absl::string_view task_id);

  // All tasks as of some moment after the first of the changes above could come. `synced` is told
  // when the last of them has been.
  void AddSnapshot(const std::vector<SharedTask>& tasks);

  // The next message, if there is something to tell and the window has room. An empty one with
  // `heartbeat`.
  absl::optional<v1::NodeStatus> Next(bool heartbeat = false);

  // From the frontend. False: it acknowledges what was never sent.
  bool Acknowledge(uint64_t sequence);

  // More changes wait than may: this stream must end, and the next one begins with a snapshot.
  bool overflowed() const { return overflowed_; }
  size_t waiting() const { return waiting_; }
  // The next message would not be empty.
  bool has_news() const { return !order_.empty() || (snapshot_added_ && !synced_told_); }

 private:
  struct Record {
    // Null: the task is destroyed.
    SharedTask task;
    bool of_snapshot = false;
  };

  void Push(const std::string& task_id, Record record);
  // Moves the first record of the task into the message.
  void Take(const std::string& task_id, v1::NodeStatus* message);

  size_t max_waiting_;
  std::map<std::string, std::deque<Record>, std::less<>> records_;
  // Each task with records once, in the order in which they are told.
  std::deque<std::string> order_;
  size_t waiting_ = 0;
  bool overflowed_ = false;
  bool snapshot_added_ = false;
  size_t snapshot_waiting_ = 0;
  bool synced_told_ = false;
  uint64_t sent_ = 0;
  uint64_t acked_ = 0;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_SESSION_OUTBOX_H_
