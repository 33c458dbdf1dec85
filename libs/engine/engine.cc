#include "libs/engine/engine.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/engine/engine_error.h"
#include "libs/engine/task_status.h"

namespace cloister::engine {

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(EngineOptions options, OwnedFd launchers,
                                                       OwnedFd tasks, const TaskPlanner* planner,
                                                       const Clock* clock) {
  CLOISTER_ASSIGN_OR_RETURN(std::unique_ptr<LogFollower> follower, LogFollower::Create());
  return std::unique_ptr<Engine>(new Engine(std::move(options), std::move(launchers),
                                            std::move(tasks), planner, clock, std::move(follower)));
}

Engine::Engine(EngineOptions options, OwnedFd launchers, OwnedFd tasks, const TaskPlanner* planner,
               const Clock* clock, std::unique_ptr<LogFollower> follower)
    : options_(std::move(options)),
      planner_(planner),
      files_(std::move(tasks)),
      ids_(options_.first_user_id, options_.user_ids, options_.user_ids_per_task),
      table_(options_.capacity, clock),
      follower_(std::move(follower)) {
  const std::string& boot_id = options_.launchers.program.boot_id;
  events_ = std::make_unique<LauncherEvents>(boot_id, &table_, &files_, planner_, clock);
  pool_ = std::make_unique<LauncherPool>(std::move(launchers), options_.launchers, events_.get());
  destroyer_ = std::make_unique<TaskDestroyer>(&table_, pool_.get(), &files_, options_.artifacts,
                                               options_.launchers.on_trouble);
  if (options_.artifacts != nullptr) {
    stager_ =
        std::make_unique<ArtifactStager>(options_.staging, options_.artifacts, &table_, clock);
  }
  starter_ = std::make_unique<TaskStarter>(NodeIdentity{options_.node_id, boot_id}, &table_,
                                           pool_.get(), &files_, destroyer_.get(), stager_.get(),
                                           planner_, &ids_, clock);
  joiner_ = std::make_unique<TaskJoiner>(options_.join_limits, &table_, pool_.get(), &files_);
  events_->Connect(pool_.get(), destroyer_.get(), starter_.get());
}

Engine::~Engine() {
  // What is being fetched is cancelled: its tasks end, or are taken up by the next executor.
  stager_.reset();
  // Events first, as they use the destroyer; its own thread then finds no launcher any more.
  pool_->Close();
  destroyer_.reset();
}

void Engine::Trouble(const absl::Status& status) const {
  if (!status.ok() && options_.launchers.on_trouble != nullptr) {
    options_.launchers.on_trouble(status);
  }
}

absl::Status Engine::Recover() {
  CLOISTER_ASSIGN_OR_RETURN(const LauncherPool::Recovered found, pool_->Recover());
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> removed,
                            files_.ListUnfinishedRemovals());
  for (const std::string& id : removed) ClearAway(id);
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> ids, files_.List());
  std::vector<std::string> unfinished;
  std::vector<internal::IntentRecord> staging;
  for (const std::string& id : ids) {
    CLOISTER_ASSIGN_OR_RETURN(const bool goes, RecoverTask(id, found.inventories, &staging));
    if (goes) unfinished.push_back(id);
  }
  ForgetStrangers(found.inventories, ids);
  std::map<std::string, int> loads;
  for (const auto& inventory : found.inventories) {
    loads[inventory.first] = static_cast<int>(table_.LiveTasksOf(inventory.first).size());
  }
  Trouble(pool_->Start(loads));
  for (internal::IntentRecord& intent : staging) starter_->Resume(std::move(intent));
  for (const std::string& id : unfinished) {
    destroyer_->Destroy(id, /*force=*/true,
                        [this](const absl::Status& status) { Trouble(status); });
  }
  return absl::OkStatus();
}

void Engine::ClearAway(const std::string& task_id) {
  const absl::StatusOr<state::Removal> removal = files_.Remove(task_id);
  Trouble(removal.status());
  // A start-up does not wait for a tenant's tree.
  const bool unfinished = removal.ok() && *removal == state::Removal::kUnfinished;
  if (unfinished || IsShortage(removal.status())) destroyer_->RemoveLeftover(task_id);
}

// The former executor was fetching its artifacts: no launcher has ever heard of it.
bool Engine::WasStaging(const internal::IntentRecord& intent, const TaskRecords& records) const {
  return options_.artifacts != nullptr && !intent.plan().artifacts().empty() &&
         intent.launcher().empty() && intent.boot_id() == options_.launchers.program.boot_id &&
         !records.launch.has_value() && !records.exit.has_value();
}

absl::StatusOr<bool> Engine::RecoverTask(const std::string& task_id, const Inventories& found,
                                         std::vector<internal::IntentRecord>* staging) {
  const TaskRecords records = files_.Read(task_id);
  // What cannot be read now is no lost task.
  if (IsShortage(records.intent.status())) return records.intent.status();
  if (absl::IsNotFound(records.intent.status())) {
    // Nothing was ever done for it, or everything of it but the directory is removed.
    ClearAway(task_id);
    return false;
  }
  internal::IntentRecord intent;
  if (records.intent.ok()) intent = *records.intent;
  // Of a damaged record the id is known all the same.
  intent.set_task_id(task_id);
  intent.set_node_id(options_.node_id);
  const bool was_staging = WasStaging(intent, records);
  if (options_.artifacts != nullptr) options_.artifacts->Recover(task_id, intent.plan());
  TaskRecord record;
  record.phase = was_staging ? TaskPhase::kPending : TaskPhase::kStarting;
  record.task = std::make_shared<const v1::Task>(MakeTask(intent));
  record.principal = intent.principal();
  record.request_digest = intent.request_digest();
  record.memory_mib = intent.memory_mib();
  record.launcher = intent.launcher();
  record.stop = intent.plan().stop();
  record.plan = std::make_shared<const internal::LaunchPlan>(intent.plan());
  const internal::Identity::UserNamespace& space = intent.plan().identity().user_namespace();
  if (space.count() > 0) record.ids = ids_.Adopt(space.first(), space.count());
  record.keep = intent.promised();
  record.launch_sent = !was_staging;
  table_.AddRecovered(std::move(record));
  if (was_staging) {
    staging->push_back(intent);
    return intent.destroying();
  }

  auto inventory = found.find(intent.launcher());
  const internal::InventoryReply::Entry* entry = nullptr;
  if (inventory != found.end()) {
    for (const auto& candidate : inventory->second) {
      if (candidate.task_id() == task_id) entry = &candidate;
    }
  }
  events_->Settle(task_id, records, inventory != found.end(), entry);
  return intent.destroying();
}

void Engine::ForgetStrangers(const Inventories& found, const std::vector<std::string>& ids) {
  for (const auto& [launcher, entries] : found) {
    for (const auto& entry : entries) {
      if (std::binary_search(ids.begin(), ids.end(), entry.task_id())) continue;
      const std::shared_ptr<LauncherClient> client = pool_->Find(launcher);
      if (!entry.has_exited()) Trouble(client->Stop(entry.task_id(), SIGKILL, 0));
      Trouble(client->Forget(entry.task_id()));
    }
  }
}

void Engine::RetireIdleLaunchers(absl::Duration patience) {
  // A launcher leaves when it has forgotten all its tasks; the records of ended ones are on disk.
  const auto ended = [](const v1::Task& task) {
    return task.state() == v1::TASK_STATE_EXITED || task.state() == v1::TASK_STATE_LOST;
  };
  std::string after;
  while (true) {
    const std::vector<TaskSnapshot> page = table_.List(after, 1000, ended);
    if (page.empty()) break;
    for (const TaskSnapshot& task : page) {
      absl::StatusOr<TaskRecord> record = table_.Find(task->id());
      if (!record.ok()) continue;
      if (auto client = pool_->Find(record->launcher)) client->Forget(task->id()).IgnoreError();
    }
    after = page.back()->id();
  }
  pool_->RetireIdle(patience);
}

void Engine::Start(StartCommand command, StartCallback done) {
  starter_->Start(std::move(command), std::move(done));
}

absl::StatusOr<TaskSnapshot> Engine::Get(absl::string_view task_id) const {
  CLOISTER_ASSIGN_OR_RETURN(TaskRecord record, table_.Find(task_id));
  return record.task;
}

std::vector<TaskSnapshot> Engine::List(absl::string_view after, size_t limit,
                                       absl::FunctionRef<bool(const v1::Task&)> wanted) const {
  return table_.List(after, limit, wanted);
}

absl::StatusOr<WaitTicket> Engine::Wait(absl::string_view task_id,
                                        absl::AnyInvocable<void(TaskSnapshot) &&> done) {
  return table_.Wait(
      task_id, Until::kEnded,
      [done = std::move(done)](const TaskRecord& record) mutable { std::move(done)(record.task); });
}

bool Engine::CancelWait(const WaitTicket& ticket) { return table_.CancelWait(ticket); }

absl::StatusOr<std::shared_ptr<TaskWatch>> Engine::Watch(absl::string_view task_id,
                                                         std::function<void()> on_ready,
                                                         absl::optional<size_t> limit) {
  return table_.Watch(task_id, std::move(on_ready), limit.value_or(options_.watch_limit));
}

absl::StatusOr<TaskSnapshot> Engine::Stop(const std::string& task_id,
                                          absl::optional<absl::Duration> grace,
                                          absl::optional<int> signal) {
  CLOISTER_ASSIGN_OR_RETURN(const TaskTable::Change change,
                            table_.Apply(task_id, TaskInput::kStop));
  PendingStop stop = {
      signal.value_or(change.record.stop.signal()),
      grace.has_value() ? absl::ToInt64Milliseconds(*grace) : change.record.stop.grace_ms()};
  std::string launcher;
  std::shared_ptr<Cancellation> staging;
  TaskSnapshot task;
  CLOISTER_RETURN_IF_ERROR(table_
                               .Amend(task_id,
                                      [&](TaskRecord& record) {
                                        task = record.task;
                                        if (!IsLive(record.phase)) return;
                                        staging = record.staging;
                                        if (record.launch_sent) {
                                          launcher = record.launcher;
                                        } else if (!record.pending_stop.has_value() ||
                                                   stop.grace_ms < record.pending_stop->grace_ms) {
                                          record.pending_stop = stop;
                                        }
                                      })
                               .status());
  if (staging != nullptr) staging->Cancel();
  if (std::shared_ptr<LauncherClient> client = pool_->Find(launcher)) {
    CLOISTER_RETURN_IF_ERROR(
        Annotate(client->Stop(task_id, stop.signal, stop.grace_ms), "stop task '", task_id, "'"));
  }
  return task;
}

void Engine::Signal(const std::string& task_id, int signal, LauncherClient::SignalCallback done) {
  const auto not_running = [task_id](absl::string_view why) {
    return EngineError(absl::StatusCode::kFailedPrecondition, kTaskNotRunning,
                       absl::StrCat("task '", task_id, "' gets no signal: ", why),
                       {{"task_id", task_id}});
  };
  absl::StatusOr<TaskRecord> record = table_.Find(task_id);
  if (!record.ok()) return std::move(done)(record.status());
  if (record->phase != TaskPhase::kRunning && record->phase != TaskPhase::kStopping) {
    return std::move(done)(not_running(absl::StrCat("it is ", Name(record->phase))));
  }
  std::shared_ptr<LauncherClient> client = pool_->Find(record->launcher);
  if (client == nullptr) return std::move(done)(not_running("its launcher is gone"));
  client->Signal(task_id, signal,
                 [not_running, done = std::move(done)](absl::Status status) mutable {
                   if (absl::IsNotFound(status)) status = not_running("it has just ended");
                   std::move(done)(std::move(status));
                 });
}

void Engine::Destroy(const std::string& task_id, bool force, TaskDestroyer::Callback done) {
  destroyer_->Destroy(task_id, force, std::move(done));
}

absl::StatusOr<Explanation> Engine::Explain(const v1::TaskConfig& config) const {
  return planner_->Explain(config);
}

absl::StatusOr<internal::LaunchPlan> Engine::Plan(const v1::TaskConfig& config) const {
  CLOISTER_ASSIGN_OR_RETURN(PlannedTask planned, planner_->Plan(config, ""));
  return std::move(planned.plan);
}

absl::StatusOr<OpenLog> Engine::ReadLog(const std::string& task_id, OutputStream stream,
                                        uint64_t offset, bool follow,
                                        std::function<void()> on_ready) {
  CLOISTER_RETURN_IF_ERROR(table_.Find(task_id).status());
  OpenLog log;
  log.reader = std::make_shared<LogReader>(
      [this, task_id, stream] { return files_.OpenOutput(task_id, stream); }, offset,
      follow ? follower_.get() : nullptr, std::move(on_ready));
  if (!follow) return log;
  // Weak: a wait must not keep alive a reader that nobody reads.
  const std::weak_ptr<LogReader> weak = log.reader;
  absl::StatusOr<WaitTicket> settled =
      table_.Wait(task_id, Until::kSettled, [weak](const TaskRecord&) {
        if (std::shared_ptr<LogReader> reader = weak.lock()) reader->Look();
      });
  absl::StatusOr<WaitTicket> ended = table_.Wait(task_id, Until::kEnded, [weak](const TaskRecord&) {
    if (std::shared_ptr<LogReader> reader = weak.lock()) reader->OutputEnded();
  });
  // Gone in this moment, and its output with it.
  if (!ended.ok()) log.reader->OutputEnded();
  for (const auto& ticket : {settled, ended}) {
    if (ticket.ok()) log.waits.push_back(*ticket);
  }
  return log;
}

void Engine::CloseLog(const OpenLog& log) {
  log.reader->Cancel();
  for (const WaitTicket& ticket : log.waits) table_.CancelWait(ticket);
}

}  // namespace cloister::engine
