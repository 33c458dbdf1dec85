// Engine: the tasks of one node. What the executor's service and the Nomad driver call; it knows no
// RPC. Every call may be made on any thread; none but Recover and the destructor waits for a task
// or a launcher, and callbacks come on the engine's threads or on the caller's.
#ifndef CLOISTER_LIBS_ENGINE_ENGINE_H_
#define CLOISTER_LIBS_ENGINE_ENGINE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cloister/v1/task.pb.h"
#include "libs/base/clock.h"
#include "libs/base/owned_fd.h"
#include "libs/engine/artifact_provider.h"
#include "libs/engine/artifact_stager.h"
#include "libs/engine/id_ranges.h"
#include "libs/engine/launcher_events.h"
#include "libs/engine/launcher_pool.h"
#include "libs/engine/log_reader.h"
#include "libs/engine/task_destroyer.h"
#include "libs/engine/task_files.h"
#include "libs/engine/task_joiner.h"
#include "libs/engine/task_planner.h"
#include "libs/engine/task_starter.h"
#include "libs/engine/task_table.h"

namespace cloister::engine {

struct EngineOptions {
  std::string node_id;
  TaskCapacity capacity;
  LauncherPoolOptions launchers;
  // Most changes that wait for one watcher.
  size_t watch_limit = 4096;
  JoinLimits join_limits;
  // Null: tasks have no artifacts. Outlives the engine.
  ArtifactProvider* artifacts = nullptr;
  StagingLimits staging;
  // For tasks with ids of their own: from `first_user_id` on, so many, and so many for each.
  uint32_t first_user_id = 0;
  uint32_t user_ids = 0;
  uint32_t user_ids_per_task = 0;
};

// A task's output, being read. Whoever holds it closes it.
struct OpenLog {
  std::shared_ptr<LogReader> reader;
  std::vector<WaitTicket> waits;
};

class Engine {
 public:
  // `launchers` and `tasks`: the state directory's folders of these names. `planner` and `clock`
  // outlive the engine.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(EngineOptions options, OwnedFd launchers,
                                                        OwnedFd tasks, const TaskPlanner* planner,
                                                        const Clock* clock);
  // Tasks and launchers go on.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Takes over what an earlier executor left: before any other call, once. Unfinished removals are
  // finished in the background. An error names what cannot be taken over. That no launcher can be
  // started is no error here: each start will say so.
  absl::Status Recover();

  // For a shutdown: has launchers without live tasks leave, and waits for that, at most `patience`.
  // The others are found again by the next executor.
  void RetireIdleLaunchers(absl::Duration patience);

  void Start(StartCommand command, StartCallback done);

  absl::StatusOr<TaskSnapshot> Get(absl::string_view task_id) const;
  std::vector<TaskSnapshot> List(absl::string_view after, size_t limit,
                                 absl::FunctionRef<bool(const v1::Task&)> wanted) const;

  // `done` gets the task once it has ended. Cancelled by CancelWait with the ticket.
  absl::StatusOr<WaitTicket> Wait(absl::string_view task_id,
                                  absl::AnyInvocable<void(TaskSnapshot) &&> done);
  bool CancelWait(const WaitTicket& ticket);

  // `limit`: most changes that wait for the reader; unset, as the options say.
  absl::StatusOr<std::shared_ptr<TaskWatch>> Watch(absl::string_view task_id,
                                                   std::function<void()> on_ready,
                                                   absl::optional<size_t> limit = absl::nullopt);

  // Sends the stop signal, and the kill when the grace has passed. Unset: as the task's own plan
  // says. Of a task that has ended: nothing. Of one that starts: as soon as it runs. The shorter
  // grace of two stops wins.
  absl::StatusOr<TaskSnapshot> Stop(const std::string& task_id,
                                    absl::optional<absl::Duration> grace,
                                    absl::optional<int> signal);

  // FAILED_PRECONDITION (TASK_NOT_RUNNING) for a task that does not run.
  void Signal(const std::string& task_id, int signal, LauncherClient::SignalCallback done);

  // See TaskDestroyer::Destroy.
  void Destroy(const std::string& task_id, bool force, TaskDestroyer::Callback done);

  absl::StatusOr<Explanation> Explain(const v1::TaskConfig& config) const;
  // What Start would do with it, but for the task's id.
  absl::StatusOr<internal::LaunchPlan> Plan(const v1::TaskConfig& config) const;

  // With `follow` until the task has ended and all is read, else what is there.
  absl::StatusOr<OpenLog> ReadLog(const std::string& task_id, OutputStream stream, uint64_t offset,
                                  bool follow, std::function<void()> on_ready);
  void CloseLog(const OpenLog& log);

  // See TaskJoiner::Join. What it gives goes before the engine does.
  absl::StatusOr<JoinedTask> JoinTask(const std::string& task_id, absl::Duration time) {
    return joiner_->Join(task_id, time);
  }

  TaskCapacity Held() const { return table_.Held(); }
  const TaskCapacity& capacity() const { return table_.capacity(); }

 private:
  Engine(EngineOptions options, OwnedFd launchers, OwnedFd tasks, const TaskPlanner* planner,
         const Clock* clock, std::unique_ptr<LogFollower> follower);

  using Inventories = std::map<std::string, std::vector<internal::InventoryReply::Entry>>;

  // Removes the directory of what is no task.
  void ClearAway(const std::string& task_id);
  bool WasStaging(const internal::IntentRecord& intent, const TaskRecords& records) const;
  // Gives one task directory its place in the table; `staging` gets it if it is to go on from
  // there. True if a removal of it has to be finished.
  absl::StatusOr<bool> RecoverTask(const std::string& task_id, const Inventories& found,
                                   std::vector<internal::IntentRecord>* staging);
  // What launchers have and no directory is there for: the end of it is not of interest any more.
  void ForgetStrangers(const Inventories& found, const std::vector<std::string>& ids);
  void Trouble(const absl::Status& status) const;

  const EngineOptions options_;
  const TaskPlanner* const planner_;
  const TaskFiles files_;
  IdRanges ids_;
  TaskTable table_;
  std::unique_ptr<LogFollower> follower_;
  // These use each other: events the pool's destroyer and starter, those the pool.
  std::unique_ptr<LauncherEvents> events_;
  std::unique_ptr<LauncherPool> pool_;
  std::unique_ptr<TaskDestroyer> destroyer_;
  std::unique_ptr<ArtifactStager> stager_;
  std::unique_ptr<TaskStarter> starter_;
  std::unique_ptr<TaskJoiner> joiner_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_ENGINE_H_
