// TaskFiles: the tasks directory of the state directory (libs/state/layout.h): records, outputs,
// removal.
#ifndef CLOISTER_LIBS_ENGINE_TASK_FILES_H_
#define CLOISTER_LIBS_ENGINE_TASK_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "cloister/internal/launch_record.pb.h"
#include "cloister/internal/record.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/state/tree_removal.h"

namespace cloister::engine {

enum class OutputStream { kStdout, kStderr };

// What is on disk for one task.
struct TaskRecords {
  // NOT_FOUND: none was written, so nothing was ever done for this task. DATA_LOSS: it cannot be
  // read. A shortage (IsShortage): any of the records could not be read now.
  absl::StatusOr<internal::IntentRecord> intent;
  // What cannot be read counts as not there.
  absl::optional<internal::LaunchRecord> launch;
  absl::optional<internal::ExitRecord> exit;
};

// Thread-safe: different tasks may be worked on at once.
class TaskFiles {
 public:
  explicit TaskFiles(OwnedFd tasks);

  // Makes the task directory with its intent in it, and opens it (O_PATH). No fsync: a machine that
  // crashes loses the task anyway. On failure the directory is removed.
  absl::StatusOr<OwnedFd> Create(const internal::IntentRecord& intent) const;

  // Replaces the intent of a task that has not been launched.
  absl::Status Rewrite(const internal::IntentRecord& intent) const;

  // Notes that a live task is to go once it has ended, so that a restart finishes it. OK if there
  // is no such task.
  absl::Status MarkDestroying(const std::string& task_id) const;

  TaskRecords Read(const std::string& task_id) const;
  // The ids of all tasks, sorted.
  absl::StatusOr<std::vector<std::string>> List() const;
  // Of those whose removal was cut short.
  absl::StatusOr<std::vector<std::string>> ListUnfinishedRemovals() const;

  // NOT_FOUND while the launcher has not made it.
  absl::StatusOr<OwnedFd> OpenOutput(const std::string& task_id, OutputStream stream) const;

  // The task's directory, O_PATH.
  absl::StatusOr<OwnedFd> OpenDirectory(const std::string& task_id) const;

  // The directory with everything in it. The first step decides: a crash after it leaves something
  // to be cleared away, but no task; so does kUnfinished (state::RemoveTaskDirectory), which is to
  // be called again. kDone if there is none.
  absl::StatusOr<state::Removal> Remove(const std::string& task_id) const;

 private:
  int MarkRemoved(const std::string& task_id) const;

  const OwnedFd tasks_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TASK_FILES_H_
