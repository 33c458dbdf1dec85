#include "libs/engine/launcher_events.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/engine/engine_error.h"
#include "libs/engine/recovery.h"
#include "libs/engine/task_status.h"

namespace cloister::engine {
namespace {

using Outcome = RecoveryVerdict::Outcome;
using InventoryEntry = LauncherEvents::InventoryEntry;

RecoveryFacts::Launcher SaidOf(bool launcher_lives, const InventoryEntry* entry) {
  if (!launcher_lives) return RecoveryFacts::Launcher::kGone;
  if (entry == nullptr) return RecoveryFacts::Launcher::kUnknown;
  switch (entry->state()) {
    case InventoryEntry::STATE_STARTING:
      return RecoveryFacts::Launcher::kStarting;
    case InventoryEntry::STATE_STOPPING:
      return RecoveryFacts::Launcher::kStopping;
    case InventoryEntry::STATE_EXITED:
      return RecoveryFacts::Launcher::kExited;
    default:
      // A state that a newer launcher has: whatever it is, the task is there.
      return RecoveryFacts::Launcher::kRunning;
  }
}

RecoveryFacts FactsOf(const TaskRecords& records, bool this_boot, bool launcher_lives,
                      const InventoryEntry* entry) {
  RecoveryFacts facts;
  facts.this_boot = this_boot;
  facts.launcher = SaidOf(launcher_lives, entry);
  if (records.exit.has_value() && records.exit->has_exited()) {
    facts.exit_record = RecoveryFacts::ExitRecord::kExited;
  } else if (records.exit.has_value() && records.exit->has_launch_failed()) {
    facts.exit_record = RecoveryFacts::ExitRecord::kLaunchFailed;
  }
  if (records.launch.has_value()) {
    facts.launch_record = records.launch->launched().pid() != 0
                              ? RecoveryFacts::LaunchRecord::kCloned
                              : RecoveryFacts::LaunchRecord::kTaken;
  }
  return facts;
}

// The same with the id that its record or its entry was found under.
template <typename Message>
Message Named(Message message, const std::string& task_id) {
  message.set_task_id(task_id);
  return message;
}

}  // namespace

LauncherEvents::LauncherEvents(std::string boot_id, TaskTable* table, const TaskFiles* files,
                               const TaskPlanner* planner, const Clock* clock)
    : boot_id_(std::move(boot_id)),
      table_(table),
      files_(files),
      planner_(planner),
      clock_(clock) {}

void LauncherEvents::Connect(LauncherPool* pool, TaskDestroyer* destroyer, TaskStarter* starter) {
  pool_ = pool;
  destroyer_ = destroyer;
  starter_ = starter;
}

void LauncherEvents::Release(const absl::StatusOr<TaskTable::Change>& change) {
  if (change.ok() && change->moved && !change->record.launcher.empty()) {
    pool_->Release(change->record.launcher);
  }
}

void LauncherEvents::OnLaunched(const std::string&, const internal::Launched& launched) {
  const absl::Duration now = clock_->Monotonic();
  const auto edit = [&](TaskRecord& record, v1::Task& task) {
    SetLaunched(launched, &task);
    SetPhases(record.times, now, &task);
    if (record.plan != nullptr) *task.mutable_fence() = planner_->Fence(*record.plan);
    record.plan.reset();
    record.keep = true;
  };
  // Of a task that has gone, or from a launcher that breaks its protocol: nobody is there to be
  // told.
  table_->Apply(launched.task_id(), TaskInput::kLaunched, edit).IgnoreError();
}

void LauncherEvents::OnLaunchFailed(const std::string&, const internal::LaunchFailed& failed) {
  absl::StatusOr<TaskRecord> record = table_->Find(failed.task_id());
  if (!record.ok()) return;
  v1::StartFailure failure;
  failure.set_step(StepName(failed.failure().step()));
  failure.set_error_number(failed.failure().error_number());
  // Without a plan it has ended already, and this is not heard.
  if (record->plan != nullptr) {
    failure.set_message(planner_->Describe(*record->plan, failed.failure()));
  }
  starter_->Fail(failed.task_id(), std::move(failure), absl::OkStatus());
}

void LauncherEvents::OnExited(const std::string&, const internal::Exited& exited) {
  Release(
      table_->Apply(exited.task_id(), TaskInput::kExited, [&](TaskRecord& record, v1::Task& task) {
        SetExited(exited, &task);
        // An exit that overtook its Launched: there was an exec all the same.
        if (record.plan != nullptr) {
          *task.mutable_fence() = planner_->Fence(*record.plan);
        }
        record.plan.reset();
        record.keep = true;
      }));
}

void LauncherEvents::OnInventory(const std::string& launcher,
                                 const std::vector<InventoryEntry>& entries) {
  std::map<absl::string_view, const InventoryEntry*> by_id;
  for (const InventoryEntry& entry : entries) by_id[entry.task_id()] = &entry;
  for (const std::string& task_id : table_->LiveTasksOf(launcher)) {
    absl::StatusOr<TaskRecord> record = table_->Find(task_id);
    // One whose launch is being sent right now is not in this inventory, and need not be.
    if (!record.ok() || !record->launch_sent) continue;
    auto entry = by_id.find(task_id);
    Settle(task_id, files_->Read(task_id), /*launcher_lives=*/true,
           entry == by_id.end() ? nullptr : entry->second);
  }
}

void LauncherEvents::OnLauncherDied(const std::string& launcher) {
  for (const std::string& task_id : table_->LiveTasksOf(launcher)) {
    Settle(task_id, files_->Read(task_id), /*launcher_lives=*/false, nullptr);
  }
}

void LauncherEvents::Settle(const std::string& task_id, const TaskRecords& records,
                            bool launcher_lives, const InventoryEntry* entry) {
  const bool this_boot = records.intent.ok() && records.intent->boot_id() == boot_id_;
  const RecoveryVerdict verdict =
      DecideRecovery(FactsOf(records, this_boot, launcher_lives, entry));
  switch (verdict.outcome) {
    case Outcome::kExitRecorded:
      if (records.exit->has_launched()) OnLaunched("", Named(records.exit->launched(), task_id));
      return OnExited("", Named(records.exit->exited(), task_id));
    case Outcome::kFailureRecorded:
      return OnLaunchFailed("", Named(records.exit->launch_failed(), task_id));
    case Outcome::kExitInInventory:
      if (entry->has_launched()) OnLaunched("", Named(entry->launched(), task_id));
      return OnExited("", Named(entry->exited(), task_id));
    case Outcome::kNeverStarted:
      return FailUnstarted(task_id, verdict.reason);
    case Outcome::kStarting:
      return;
    case Outcome::kRunning:
      return OnLaunched("", Named(entry->launched(), task_id));
    case Outcome::kStopping:
      OnLaunched("", Named(entry->launched(), task_id));
      table_->Apply(task_id, TaskInput::kStop).IgnoreError();
      return;
    case Outcome::kLost:
      return Lose(task_id, verdict.reason);
  }
}

void LauncherEvents::FailUnstarted(const std::string& task_id, absl::string_view reason) {
  v1::StartFailure failure;
  failure.set_message(absl::StrCat("not started: ", reason));
  starter_->Fail(task_id, std::move(failure),
                 EngineError(absl::StatusCode::kUnavailable, kLauncherDied,
                             absl::StrCat("task '", task_id, "' was not started: ", reason),
                             {{"task_id", task_id}}));
}

void LauncherEvents::Lose(const std::string& task_id, absl::string_view reason) {
  Release(table_->Apply(task_id, TaskInput::kLose, [&](TaskRecord& record, v1::Task& task) {
    SetLost(reason, clock_->Now(), &task);
    record.plan.reset();
    // Whether it ran is not known, so the object stays: the same request must not run it again.
    record.keep = true;
  }));
}

}  // namespace cloister::engine
