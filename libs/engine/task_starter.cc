#include "libs/engine/task_starter.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "libs/artifact/retryable.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/engine/engine_error.h"
#include "libs/engine/task_record.h"
#include "libs/engine/task_status.h"
#include "libs/plan/plan_ids.h"

namespace cloister::engine {

TaskStarter::TaskStarter(NodeIdentity node, TaskTable* table, LauncherPool* pool,
                         const TaskFiles* files, TaskDestroyer* destroyer, ArtifactStager* stager,
                         const TaskPlanner* planner, IdRanges* ids, const Clock* clock)
    : node_(std::move(node)),
      table_(table),
      pool_(pool),
      files_(files),
      destroyer_(destroyer),
      stager_(stager),
      planner_(planner),
      ids_(ids),
      clock_(clock) {}

void TaskStarter::Start(StartCommand command, StartCallback done) {
  // Before the plan: a retry gets its task also where it could not be planned any more.
  if (absl::StatusOr<TaskRecord> existing = table_->Find(command.task_id); existing.ok()) {
    return Join(std::move(command), *existing, std::move(done));
  }
  TaskRecord record;
  absl::StatusOr<PlannedTask> planned = Plan(command, &record.ids);
  if (!planned.ok()) return std::move(done)(planned.status());

  record.memory_mib = planned->memory_mib;
  record.stop = planned->plan.stop();
  const auto intent = MakeIntent(command, *std::move(planned));
  record.task = std::make_shared<const v1::Task>(MakeTask(*intent));
  record.principal = command.principal;
  record.request_digest = command.request_digest;
  record.plan = std::shared_ptr<const internal::LaunchPlan>(intent, &intent->plan());
  record.keep = command.wait_accepted;
  record.times = {command.arrival, clock_->Monotonic()};
  absl::StatusOr<TaskTable::Admission> admission = table_->Add(std::move(record));
  if (!admission.ok()) return std::move(done)(admission.status());
  if (!admission->added) return Join(std::move(command), admission->record, std::move(done));

  // From here on it is a task, and what goes wrong ends it. Whoever waits is there before that.
  const std::string task_id = command.task_id;
  const bool accepted = command.wait_accepted;
  if (!accepted) AwaitSettled(std::move(command), std::exchange(done, nullptr));
  absl::Status status =
      intent->plan().artifacts().empty() ? Launch(task_id, intent) : Stage(intent);
  if (!status.ok()) FailLaunch(task_id, std::move(status));
  if (!accepted) return;
  absl::StatusOr<TaskRecord> launched = table_->Find(task_id);
  if (!launched.ok()) return std::move(done)(launched.status());
  std::move(done)(launched->task);
}

absl::StatusOr<PlannedTask> TaskStarter::Plan(const StartCommand& command,
                                              IdRangeLease* ids) const {
  absl::StatusOr<PlannedTask> planned = planner_->Plan(command.config, command.task_id);
  if (!planned.ok() || !plan::NeedsIds(planned->plan)) return planned;
  CLOISTER_ASSIGN_OR_RETURN(*ids, ids_->Take());
  plan::AssignIds((*ids)->first, &planned->plan);
  return planned;
}

void TaskStarter::Join(StartCommand command, const TaskRecord& existing, StartCallback done) {
  if (existing.request_digest != command.request_digest) {
    return std::move(done)(EngineError(
        absl::StatusCode::kAlreadyExists, kRequestIdReused,
        absl::StrCat("request_id '", command.request_id, "' was used for another task, '",
                     command.task_id, "': take a new one, or send the first request again"),
        {{"task_id", command.task_id}}));
  }
  if (!command.wait_accepted) return AwaitSettled(std::move(command), std::move(done));
  bool promised = false;
  absl::StatusOr<TaskRecord> record =
      table_->Amend(command.task_id, [&promised](TaskRecord& record) {
        // A failed start that is being removed cannot be promised any more.
        promised = record.keep || !record.destroying;
        if (promised) record.keep = true;
      });
  if (record.ok() && promised) return std::move(done)(record->task);
  AwaitSettled(std::move(command), std::move(done));
}

void TaskStarter::AwaitSettled(StartCommand command, StartCallback done) {
  // Shared, as it has to survive a wait that is refused.
  auto shared = std::make_shared<StartCallback>(std::move(done));
  const absl::Status waits = table_
                                 ->Wait(command.task_id, Until::kSettled,
                                        [shared](const TaskRecord& record) {
                                          const absl::Status status = StartStatus(record);
                                          if (!status.ok()) return std::move(*shared)(status);
                                          std::move (*shared)(record.task);
                                        })
                                 .status();
  // Removed since it was found, as a failed start is: then this one is the first again.
  if (!waits.ok()) Start(std::move(command), std::move(*shared));
}

std::shared_ptr<internal::IntentRecord> TaskStarter::MakeIntent(const StartCommand& command,
                                                                PlannedTask planned) const {
  auto intent = std::make_shared<internal::IntentRecord>();
  intent->set_task_id(command.task_id);
  intent->set_principal(command.principal);
  intent->set_request_id(command.request_id);
  intent->set_external_id(command.external_id);
  intent->set_node_id(node_.node_id);
  intent->set_request_digest(command.request_digest);
  *intent->mutable_config() = command.config;
  // What is fetched is fetched by the plan; the rest is for show.
  ForgetArtifactSecrets(intent->mutable_config());
  *intent->mutable_plan() = std::move(planned.plan);
  intent->set_memory_mib(planned.memory_mib);
  intent->set_boot_id(node_.boot_id);
  intent->set_create_time_ns(absl::ToUnixNanos(clock_->Now()));
  intent->set_promised(command.wait_accepted);
  return intent;
}

void TaskStarter::FailLaunch(const std::string& task_id, absl::Status status) {
  v1::StartFailure failure;
  failure.set_message(std::string(status.message()));
  Fail(task_id, std::move(failure), std::move(status));
}

void TaskStarter::Resume(internal::IntentRecord intent) {
  const auto shared = std::make_shared<internal::IntentRecord>(std::move(intent));
  if (absl::Status status = Stage(shared); !status.ok()) {
    FailLaunch(shared->task_id(), std::move(status));
  }
}

absl::Status TaskStarter::Stage(const std::shared_ptr<internal::IntentRecord>& intent) {
  const std::string& task_id = intent->task_id();
  if (stager_ == nullptr) {
    return EngineError(absl::StatusCode::kFailedPrecondition, kArtifactFailed,
                       "artifacts: this node has no fetcher", {{"task_id", task_id}});
  }
  StagingOrder order;
  order.task_id = task_id;
  order.tenant = intent->principal();
  // Shared with the intent, which a launch only changes a copy of.
  order.plan = std::shared_ptr<const internal::LaunchPlan>(intent, &intent->plan());
  CLOISTER_ASSIGN_OR_RETURN(order.directory, RecordIntent(*intent));
  table_->Amend(task_id, [&](TaskRecord& record) { record.times.recorded = clock_->Monotonic(); })
      .IgnoreError();
  std::shared_ptr<Cancellation> cancellation = stager_->Stage(
      std::move(order), [this, intent](absl::StatusOr<std::vector<internal::Mount>> mounts) {
        OnStaged(intent, std::move(mounts));
      });
  bool stopped = false;
  table_
      ->Amend(task_id,
              [&](TaskRecord& record) {
                record.staging = cancellation;
                stopped = record.pending_stop.has_value();
              })
      .IgnoreError();
  // A stop that came before there was something to cancel.
  if (stopped) cancellation->Cancel();
  return absl::OkStatus();
}

void TaskStarter::OnStaged(const std::shared_ptr<internal::IntentRecord>& intent,
                           absl::StatusOr<std::vector<internal::Mount>> mounts) {
  const std::string& task_id = intent->task_id();
  bool stopped = false;
  const absl::Duration staged = clock_->Monotonic();
  const auto unset = [&](TaskRecord& record) {
    record.staging = nullptr;
    record.times.staged = staged;
    stopped = record.pending_stop.has_value();
  };
  if (!table_->Amend(task_id, unset).ok()) return;
  if (stopped) {
    return FailLaunch(
        task_id, EngineError(absl::StatusCode::kCancelled, kArtifactFailed,
                             "stopped while its artifacts were fetched", {{"task_id", task_id}}));
  }
  // The executor shuts down: the next one goes on.
  if (absl::IsCancelled(mounts.status())) return;
  if (!mounts.ok()) {
    const absl::StatusCode code = artifact::IsRetryable(mounts.status())
                                      ? absl::StatusCode::kUnavailable
                                      : absl::StatusCode::kFailedPrecondition;
    return FailLaunch(task_id, EngineError(code, kArtifactFailed, mounts.status().message(),
                                           {{"task_id", task_id}}));
  }
  // Others read the plan of the first one.
  auto planned = std::make_shared<internal::IntentRecord>(*intent);
  for (internal::Mount& mount : *mounts) *planned->mutable_plan()->add_mounts() = std::move(mount);
  // What is there need not be asked for again, by nobody who reads the record.
  ForgetArtifactSecrets(planned->mutable_plan());
  const auto plan = std::shared_ptr<const internal::LaunchPlan>(planned, &planned->plan());
  table_->Amend(task_id, [&](TaskRecord& record) { record.plan = plan; }).IgnoreError();
  if (absl::Status status = Launch(task_id, planned); !status.ok()) {
    FailLaunch(task_id, std::move(status));
  }
}

// Before any side effect; once more with the launcher, where artifacts were fetched first.
absl::StatusOr<OwnedFd> TaskStarter::RecordIntent(const internal::IntentRecord& intent) {
  absl::StatusOr<OwnedFd> there = files_->OpenDirectory(intent.task_id());
  if (absl::IsNotFound(there.status())) return files_->Create(intent);
  CLOISTER_RETURN_IF_ERROR(there.status());
  CLOISTER_RETURN_IF_ERROR(files_->Rewrite(intent));
  return there;
}

absl::Status TaskStarter::Launch(const std::string& task_id,
                                 const std::shared_ptr<internal::IntentRecord>& intent) {
  CLOISTER_ASSIGN_OR_RETURN(std::shared_ptr<LauncherClient> launcher, pool_->Take());
  absl::Cleanup release = [&] { pool_->Release(launcher->name()); };
  // Nobody else has seen it yet but the record of the table, which reads the plan only.
  intent->set_launcher(launcher->name());
  // Without artifacts there is nothing of it yet.
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd directory, intent->plan().artifacts().empty()
                                                   ? files_->Create(*intent)
                                                   : RecordIntent(*intent));
  const absl::Duration recorded = clock_->Monotonic();
  CLOISTER_RETURN_IF_ERROR(table_
                               ->Apply(task_id, TaskInput::kLaunch,
                                       [&](TaskRecord& record, v1::Task&) {
                                         record.launcher = launcher->name();
                                         if (record.times.staged == absl::ZeroDuration()) {
                                           record.times.recorded = recorded;
                                         }
                                       })
                               .status());
  // From here on the end of the task releases it.
  std::move(release).Cancel();
  return SendLaunch(*launcher, *intent, directory.get());
}

absl::Status TaskStarter::SendLaunch(LauncherClient& launcher, const internal::IntentRecord& intent,
                                     int directory) {
  const std::string& task_id = intent.task_id();
  if (absl::Status sent = launcher.Launch(task_id, intent.plan(), directory); !sent.ok()) {
    return EngineError(absl::StatusCode::kUnavailable, kLauncherDied,
                       absl::StrCat("launcher ", launcher.name(), ": ", sent.message()),
                       {{"task_id", task_id}});
  }
  absl::optional<PendingStop> stop;
  // It may have ended and gone by now.
  table_
      ->Amend(task_id,
              [&stop](TaskRecord& record) {
                record.launch_sent = true;
                stop.swap(record.pending_stop);
              })
      .IgnoreError();
  if (stop.has_value()) launcher.Stop(task_id, stop->signal, stop->grace_ms).IgnoreError();
  return absl::OkStatus();
}

void TaskStarter::Fail(const std::string& task_id, v1::StartFailure failure, absl::Status error) {
  bool remove = false;
  absl::StatusOr<TaskTable::Change> change =
      table_->Apply(task_id, TaskInput::kLaunchFailed, [&](TaskRecord& record, v1::Task& task) {
        SetStartFailure(std::move(failure), clock_->Now(), &task);
        record.start_error = std::move(error);
        record.plan.reset();
        remove = !record.keep;
        record.destroying |= remove;
      });
  if (!change.ok() || !change->moved) return;
  if (!change->record.launcher.empty()) pool_->Release(change->record.launcher);
  if (remove) destroyer_->RemoveFailedStart(task_id);
}

}  // namespace cloister::engine
