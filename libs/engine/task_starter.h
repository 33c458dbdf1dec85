// TaskStarter: the way of a start: once for each task id, plan, record, launch. It runs on the
// caller's thread as far as the launcher's socket; the launcher's answer completes it.
#ifndef CLOISTER_LIBS_ENGINE_TASK_STARTER_H_
#define CLOISTER_LIBS_ENGINE_TASK_STARTER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cloister/v1/task.pb.h"
#include "libs/base/clock.h"
#include "libs/engine/artifact_stager.h"
#include "libs/engine/id_ranges.h"
#include "libs/engine/launcher_pool.h"
#include "libs/engine/task_destroyer.h"
#include "libs/engine/task_files.h"
#include "libs/engine/task_planner.h"
#include "libs/engine/task_table.h"

namespace cloister::engine {

struct StartCommand {
  // Derived from principal and request_id (libs/task/task_id.h).
  std::string task_id;
  std::string principal;
  std::string request_id;
  std::string external_id;
  // Tells a retry from another request with the same id (libs/task/request_digest.h).
  std::string request_digest;
  v1::TaskConfig config;
  // Answer when the task is recorded, not when its exec is done or has failed.
  bool wait_accepted = false;
  // When the request came in, Clock::Monotonic.
  absl::Duration arrival;
};

using StartCallback = absl::AnyInvocable<void(absl::StatusOr<TaskSnapshot>) &&>;

// What a node is to its tasks.
struct NodeIdentity {
  std::string node_id;
  std::string boot_id;
};

// Thread-safe.
class TaskStarter {
 public:
  // All of it outlives the starter. Without a stager, null, tasks have no artifacts.
  TaskStarter(NodeIdentity node, TaskTable* table, LauncherPool* pool, const TaskFiles* files,
              TaskDestroyer* destroyer, ArtifactStager* stager, const TaskPlanner* planner,
              IdRanges* ids, const Clock* clock);

  // Calls `done` once: here, or on a thread of the engine's. The same id again joins the first
  // start, or gives its task; with another digest it is ALREADY_EXISTS (REQUEST_ID_REUSED). A start
  // that fails leaves nothing and says why: START_FAILED names step, object and errno; unless it
  // was promised (wait_accepted): then the task ends with a start_failure.
  void Start(StartCommand command, StartCallback done);

  // Goes on with a start whose artifacts a former executor was fetching. The task is in the table.
  void Resume(internal::IntentRecord intent);

  // Ends a start that cannot go on; nothing of the task runs. Not for a task that may have come to
  // a clone.
  void Fail(const std::string& task_id, v1::StartFailure failure, absl::Status error);

 private:
  void Join(StartCommand command, const TaskRecord& existing, StartCallback done);
  void AwaitSettled(StartCommand command, StartCallback done);
  // The task's plan, complete; `ids` is what it has of the node's.
  absl::StatusOr<PlannedTask> Plan(const StartCommand& command, IdRangeLease* ids) const;
  // Has the artifacts staged, and then goes on with the launch.
  absl::Status Stage(const std::shared_ptr<internal::IntentRecord>& intent);
  void OnStaged(const std::shared_ptr<internal::IntentRecord>& intent,
                absl::StatusOr<std::vector<internal::Mount>> mounts);
  // Takes a launcher, and has the task's directory with its intent there.
  absl::Status Launch(const std::string& task_id,
                      const std::shared_ptr<internal::IntentRecord>& intent);
  absl::StatusOr<OwnedFd> RecordIntent(const internal::IntentRecord& intent);
  void FailLaunch(const std::string& task_id, absl::Status status);
  absl::Status SendLaunch(LauncherClient& launcher, const internal::IntentRecord& intent,
                          int directory);
  std::shared_ptr<internal::IntentRecord> MakeIntent(const StartCommand& command,
                                                     PlannedTask planned) const;

  const NodeIdentity node_;
  TaskTable* const table_;
  LauncherPool* const pool_;
  const TaskFiles* const files_;
  TaskDestroyer* const destroyer_;
  ArtifactStager* const stager_;
  const TaskPlanner* const planner_;
  IdRanges* const ids_;
  const Clock* const clock_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TASK_STARTER_H_
