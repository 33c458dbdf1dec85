// TaskJoiner: starts the process that touches a task's files (services/joiner), by the launcher of
// the task, or of any for a task that has ended; and bounds how many there are at once.
#ifndef CLOISTER_LIBS_ENGINE_TASK_JOINER_H_
#define CLOISTER_LIBS_ENGINE_TASK_JOINER_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cloister/internal/launcher.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/engine/launcher_pool.h"
#include "libs/engine/task_files.h"
#include "libs/engine/task_record.h"
#include "libs/engine/task_table.h"

namespace cloister::engine {

struct JoinLimits {
  int per_task = 4;
  int per_node = 32;
};

// A joiner that is starting or has failed to: it says so on the socket.
struct JoinedTask {
  // Our end, non-blocking (libs/files/joiner_message.h). Closing it ends the joiner.
  OwnedFd socket;
  // Counts among those at once as long as somebody holds it.
  std::shared_ptr<const void> place;
};

// Thread-safe.
class TaskJoiner {
 public:
  // All outlive it.
  TaskJoiner(JoinLimits limits, const TaskTable* table, LauncherPool* pool, const TaskFiles* files);

  // TASK_UNKNOWN; TASK_NOT_RUNNING for one that has not begun; TOO_MANY_FILE_CALLS. The joiner is
  // killed when `time` has passed.
  absl::StatusOr<JoinedTask> Join(const std::string& task_id, absl::Duration time);

 private:
  // How many there are; it may outlive us with a place.
  struct Counts {
    absl::Mutex mutex;
    std::map<std::string, int> of_task ABSL_GUARDED_BY(mutex);
    int all ABSL_GUARDED_BY(mutex) = 0;
  };
  // One of them; its end gives the place back.
  class Place;

  absl::StatusOr<std::shared_ptr<const void>> TakePlace(const std::string& task_id) const;
  absl::Status JoinLive(const TaskRecord& record, internal::Join join, int socket) const;
  absl::Status JoinEnded(const TaskRecord& record, internal::Join join, int socket) const;

  const JoinLimits limits_;
  const TaskTable* const table_;
  LauncherPool* const pool_;
  const TaskFiles* const files_;
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TASK_JOINER_H_
