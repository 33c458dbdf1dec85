#include "libs/engine/task_destroyer.h"

#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/engine/engine_error.h"

namespace cloister::engine {
namespace {

// Until what lacked something is tried again: nothing tells when others have given it back.
constexpr absl::Duration kShortageLasts = absl::Milliseconds(250);

}  // namespace

TaskDestroyer::TaskDestroyer(TaskTable* table, LauncherPool* pool, const TaskFiles* files,
                             ArtifactProvider* artifacts,
                             std::function<void(const absl::Status&)> on_trouble)
    : table_(table),
      pool_(pool),
      files_(files),
      artifacts_(artifacts),
      on_trouble_(std::move(on_trouble)) {
  thread_ = std::thread([this] { Run(); });
}

TaskDestroyer::~TaskDestroyer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
  std::map<std::string, std::vector<Callback>> waiting;
  {
    absl::MutexLock lock(&mutex_);
    waiting.swap(waiting_);
  }
  for (auto& entry : waiting) {
    for (Callback& done : entry.second) {
      std::move(done)(EngineError(absl::StatusCode::kUnavailable, kShuttingDown,
                                  "the executor shuts down; it finishes the removal when it "
                                  "starts again"));
    }
  }
}

void TaskDestroyer::Destroy(const std::string& task_id, bool force, Callback done) {
  bool refused = false;
  bool under_way = false;
  bool live = false;
  absl::Status found;
  {
    // Held over the change of the record, so that the callback is there when the removal is done.
    absl::MutexLock lock(&mutex_);
    found = table_
                ->Amend(task_id,
                        [&](TaskRecord& record) {
                          live = IsLive(record.phase);
                          under_way = record.destroying;
                          refused = live && !force;
                          if (!refused) record.destroying = true;
                        })
                .status();
    if (found.ok() && !refused) waiting_[task_id].push_back(std::move(done));
  }
  if (!found.ok()) return std::move(done)(found);
  if (refused) {
    return std::move(done)(EngineError(
        absl::StatusCode::kFailedPrecondition, kTaskLive,
        absl::StrCat("task '", task_id, "' still runs: stop it first, or destroy it with force"),
        {{"task_id", task_id}}));
  }
  if (under_way) return;
  if (!live) return Enqueue({task_id});
  Kill(task_id);
}

void TaskDestroyer::Kill(const std::string& task_id) {
  // Before the kill: an executor that dies now must not forget that the task was to go. A full disk
  // is no obstacle, as removal is what helps there.
  files_->MarkDestroying(task_id).IgnoreError();
  std::string launcher;
  std::shared_ptr<Cancellation> staging;
  const auto kill = [&](TaskRecord& record) {
    staging = record.staging;
    launcher = record.launch_sent ? record.launcher : "";
    if (!record.launch_sent) record.pending_stop = PendingStop{SIGKILL, 0};
  };
  // As a stop without grace, so that watchers are told of one. An ended task by now ignores it.
  table_->Apply(task_id, TaskInput::kStop).IgnoreError();
  const absl::Status amended = table_->Amend(task_id, kill).status();
  if (staging != nullptr) staging->Cancel();
  if (std::shared_ptr<LauncherClient> client = pool_->Find(launcher)) {
    // A launcher that cannot be reached is dead or dying, and its tasks with it.
    client->Stop(task_id, SIGKILL, 0).IgnoreError();
  }
  const absl::Status waits =
      amended.ok() ? table_
                         ->Wait(task_id, Until::kEnded,
                                [this, task_id](const TaskRecord&) { Enqueue({task_id}); })
                         .status()
                   : amended;
  // It can only have gone if a failed start of it was removed at the same time.
  if (!waits.ok()) Finish(task_id, absl::IsNotFound(waits) ? absl::OkStatus() : waits);
}

void TaskDestroyer::RemoveFailedStart(const std::string& task_id) { Enqueue({task_id}); }

void TaskDestroyer::RemoveLeftover(const std::string& task_id) {
  Enqueue({task_id, /*leftover=*/true});
}

void TaskDestroyer::Enqueue(Work work) {
  absl::MutexLock lock(&mutex_);
  queue_.push_back(std::move(work));
}

void TaskDestroyer::Run() {
  Work work;
  while (Next(&work)) {
    switch (DoSome(work)) {
      case Outcome::kDone:
        break;
      case Outcome::kMore:
        Enqueue(std::move(work));
        break;
      case Outcome::kShortage:
        work.lingers = true;
        absl::MutexLock lock(&mutex_);
        if (short_.empty()) next_round_ = absl::Now() + kShortageLasts;
        short_.push_back(std::move(work));
        break;
    }
  }
}

bool TaskDestroyer::Next(Work* work) {
  absl::MutexLock lock(&mutex_);
  const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  };
  do {
    mutex_.AwaitWithDeadline(absl::Condition(&wanted),
                             short_.empty() ? absl::InfiniteFuture() : next_round_);
    if (short_.empty() || absl::Now() < next_round_) continue;
    // Also while there is always something to do.
    queue_.insert(queue_.end(), short_.begin(), short_.end());
    short_.clear();
  } while (!wanted());
  if (stopping_) return false;
  *work = std::move(queue_.front());
  queue_.pop_front();
  return true;
}

TaskDestroyer::Outcome TaskDestroyer::DoSome(const Work& work) {
  absl::StatusOr<state::Removal> removal;
  if (work.leftover) {
    removal = files_->Remove(work.task_id);
  } else {
    absl::StatusOr<TaskRecord> record = table_->Find(work.task_id);
    // Queued twice, by a failed start and by a destroy: it has gone, or another start of the same
    // id has taken its place.
    if (!record.ok() || !record->destroying || IsLive(record->phase)) return Outcome::kDone;
    record->ids.reset();
    removal = Remove(work.task_id, *record);
  }
  if (removal.ok() && *removal == state::Removal::kUnfinished) return Outcome::kMore;
  if (IsShortage(removal.status())) {
    Linger(work, removal.status());
    return Outcome::kShortage;
  }
  if (!work.leftover) {
    Finish(work.task_id, removal.status());
  } else if (!removal.ok() && on_trouble_ != nullptr) {
    on_trouble_(removal.status());
  }
  return Outcome::kDone;
}

absl::StatusOr<state::Removal> TaskDestroyer::Remove(const std::string& task_id,
                                                     const TaskRecord& record) {
  if (std::shared_ptr<LauncherClient> client = pool_->Find(record.launcher)) {
    // A launcher that is gone has forgotten.
    client->Forget(task_id).IgnoreError();
  }
  absl::StatusOr<state::Removal> removal = files_->Remove(task_id);
  if (!removal.ok()) return Annotate(removal.status(), "remove task '", task_id, "'");
  if (*removal == state::Removal::kDone) {
    if (artifacts_ != nullptr) artifacts_->Release(task_id);
    // Whoever hears of it may count on the ids: no copy of the record has them any more.
    const auto give_back = [](TaskRecord& record, v1::Task&) { record.ids.reset(); };
    CLOISTER_RETURN_IF_ERROR(table_->Apply(task_id, TaskInput::kDestroy, give_back).status());
  }
  return removal;
}

void TaskDestroyer::Finish(const std::string& task_id, const absl::Status& status) {
  if (!status.ok()) {
    // Whoever waits for the start is told now; the next destroy tries again.
    table_
        ->Amend(task_id,
                [](TaskRecord& record) {
                  record.destroying = false;
                  record.keep = true;
                })
        .IgnoreError();
  }
  Tell(task_id, status, /*is_new=*/true);
}

void TaskDestroyer::Linger(const Work& work, const absl::Status& status) {
  if (!work.leftover) {
    table_->Amend(work.task_id, [](TaskRecord& record) { record.lingers = true; }).IgnoreError();
  }
  Tell(work.task_id, status, /*is_new=*/!work.lingers);
}

void TaskDestroyer::Tell(const std::string& task_id, const absl::Status& status, bool is_new) {
  std::vector<Callback> waiting;
  {
    absl::MutexLock lock(&mutex_);
    auto it = waiting_.find(task_id);
    if (it != waiting_.end()) {
      waiting = std::move(it->second);
      waiting_.erase(it);
    }
  }
  if (waiting.empty() && is_new && !status.ok() && on_trouble_ != nullptr) on_trouble_(status);
  for (Callback& done : waiting) std::move(done)(status);
}

}  // namespace cloister::engine
