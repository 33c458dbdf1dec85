#include "libs/engine/task_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/engine/engine_error.h"

namespace cloister::engine {
namespace {

absl::Status NoSuchTask(absl::string_view task_id) {
  return EngineError(absl::StatusCode::kNotFound, kTaskUnknown,
                     absl::StrCat("no task '", task_id, "' on this node"),
                     {{"task_id", std::string(task_id)}});
}

// Whether a wait is over for a task that has just got into this phase.
bool Holds(Until until, const TaskRecord& record) {
  const bool ended = HasEnded(record.phase);
  const bool destroyed = record.phase == TaskPhase::kDestroyed;
  switch (until) {
    case Until::kSettled:
      return record.phase == TaskPhase::kRunning || record.phase == TaskPhase::kStopping ||
             (ended && (record.keep || record.lingers)) || destroyed;
    case Until::kEnded:
      return ended || destroyed;
    case Until::kDestroyed:
      return destroyed;
  }
  return false;
}

}  // namespace

TaskTable::TaskTable(TaskCapacity capacity, const Clock* clock)
    : capacity_(capacity), clock_(clock) {}

void TaskTable::Calls::Run() && {
  for (auto& [callback, record] : waiters) std::move(callback)(record);
  for (const std::shared_ptr<TaskWatch>& watch : watches) watch->NotifyReady();
}

absl::Status TaskTable::CheckRoom(const TaskRecord& record) const {
  if (held_.tasks + 1 > capacity_.tasks) {
    return EngineError(
        absl::StatusCode::kResourceExhausted, kTooManyTasks,
        absl::StrCat("the node has ", held_.tasks, " live tasks, of at most ", capacity_.tasks));
  }
  if (record.memory_mib > capacity_.memory_mib - held_.memory_mib) {
    return EngineError(
        absl::StatusCode::kResourceExhausted, kNodeMemoryExhausted,
        absl::StrCat("the task asks for ", record.memory_mib, " MiB of memory; the node has ",
                     std::max<int64_t>(0, capacity_.memory_mib - held_.memory_mib), " of ",
                     capacity_.memory_mib, " MiB left"));
  }
  return absl::OkStatus();
}

void TaskTable::Account(const TaskRecord& record, int sign) {
  held_.tasks += sign;
  held_.memory_mib += sign * record.memory_mib;
}

void TaskTable::Tell(Entry& entry, TaskChange change, Calls* calls) {
  const TaskEvent event = {TaskEvent::Kind::kChange, change, entry.record.task, clock_->Now()};
  for (auto* watches : {&watches_, &entry.watches}) {
    auto gone = [&](const std::weak_ptr<TaskWatch>& weak) {
      std::shared_ptr<TaskWatch> watch = weak.lock();
      if (watch == nullptr) return true;
      if (watch->cancelled()) {
        calls->dropped.push_back(std::move(watch));
        return true;
      }
      bool call = watch->Push(event);
      if (watches == &entry.watches && change == TaskChange::kDestroyed) call |= watch->End();
      (call ? calls->watches : calls->dropped).push_back(std::move(watch));
      return false;
    };
    watches->erase(std::remove_if(watches->begin(), watches->end(), gone), watches->end());
  }
}

void TaskTable::TakeWaiters(Entry& entry, Calls* calls) {
  for (auto it = entry.waiters.begin(); it != entry.waiters.end();) {
    if (Holds(it->second.until, entry.record)) {
      calls->waiters.emplace_back(std::move(it->second.callback), entry.record);
      it = entry.waiters.erase(it);
    } else {
      ++it;
    }
  }
}

absl::StatusOr<TaskTable::Admission> TaskTable::Add(TaskRecord record) {
  auto task = std::make_shared<v1::Task>(*record.task);
  record.phase = TaskPhase::kPending;
  task->set_state(PublicState(record.phase));
  Calls calls;
  Admission admission;
  {
    absl::MutexLock lock(&mutex_);
    auto existing = entries_.find(task->id());
    if (existing != entries_.end()) return Admission{false, existing->second.record};
    if (absl::Status room = CheckRoom(record); !room.ok()) return room;
    task->set_revision(++revision_);
    record.task = std::move(task);
    Entry& entry = entries_[record.task->id()];
    entry.record = std::move(record);
    Account(entry.record, 1);
    Tell(entry, TaskChange::kCreated, &calls);
    admission = {true, entry.record};
  }
  std::move(calls).Run();
  return admission;
}

void TaskTable::AddRecovered(TaskRecord record) {
  auto task = std::make_shared<v1::Task>(*record.task);
  task->set_state(PublicState(record.phase));
  absl::MutexLock lock(&mutex_);
  task->set_revision(++revision_);
  record.task = std::move(task);
  Entry& entry = entries_[record.task->id()];
  entry.record = std::move(record);
  if (IsLive(entry.record.phase)) Account(entry.record, 1);
}

absl::StatusOr<TaskTable::Change> TaskTable::Apply(absl::string_view task_id, TaskInput input) {
  return Apply(task_id, input, [](TaskRecord&, v1::Task&) {});
}

absl::StatusOr<TaskTable::Change> TaskTable::Apply(absl::string_view task_id, TaskInput input,
                                                   Edit edit) {
  Calls calls;
  Change change;
  {
    absl::MutexLock lock(&mutex_);
    auto it = entries_.find(task_id);
    if (it == entries_.end()) return NoSuchTask(task_id);
    Entry& entry = it->second;
    const TaskTransition transition = NextPhase(entry.record.phase, input);
    if (transition.verdict == TaskTransition::Verdict::kRefused) {
      return EngineError(absl::StatusCode::kFailedPrecondition,
                         input == TaskInput::kDestroy ? kTaskLive : kTaskNotRunning,
                         absl::StrCat("task '", task_id, "' is ", Name(entry.record.phase),
                                      ", which does not allow '", Name(input), "'"),
                         {{"task_id", std::string(task_id)}});
    }
    if (transition.verdict == TaskTransition::Verdict::kIgnored) {
      return Change{false, entry.record};
    }
    auto task = std::make_shared<v1::Task>(*entry.record.task);
    if (IsLive(entry.record.phase) && !IsLive(transition.next)) Account(entry.record, -1);
    entry.record.phase = transition.next;
    edit(entry.record, *task);
    // A destroyed task keeps the state in which it ended.
    if (transition.next != TaskPhase::kDestroyed) task->set_state(PublicState(transition.next));
    task->set_revision(++revision_);
    entry.record.task = std::move(task);
    for (TaskChange told : transition.events()) Tell(entry, told, &calls);
    TakeWaiters(entry, &calls);
    change = {true, entry.record};
    if (transition.next == TaskPhase::kDestroyed) entries_.erase(it);
  }
  std::move(calls).Run();
  return change;
}

absl::StatusOr<TaskRecord> TaskTable::Amend(absl::string_view task_id,
                                            absl::FunctionRef<void(TaskRecord& record)> edit) {
  Calls calls;
  TaskRecord amended;
  {
    absl::MutexLock lock(&mutex_);
    auto it = entries_.find(task_id);
    if (it == entries_.end()) return NoSuchTask(task_id);
    edit(it->second.record);
    // Whether a start is settled depends on `keep`.
    TakeWaiters(it->second, &calls);
    amended = it->second.record;
  }
  std::move(calls).Run();
  return amended;
}

void TaskTable::Progress(absl::string_view task_id, absl::FunctionRef<void(v1::Task&)> edit) {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    auto it = entries_.find(task_id);
    if (it == entries_.end()) return;
    Entry& entry = it->second;
    if (entry.record.phase != TaskPhase::kPending &&
        entry.record.phase != TaskPhase::kPendingStop) {
      return;
    }
    auto task = std::make_shared<v1::Task>(*entry.record.task);
    edit(*task);
    task->set_revision(++revision_);
    entry.record.task = std::move(task);
    Tell(entry, TaskChange::kProgress, &calls);
  }
  std::move(calls).Run();
}

absl::StatusOr<TaskRecord> TaskTable::Find(absl::string_view task_id) const {
  absl::MutexLock lock(&mutex_);
  auto it = entries_.find(task_id);
  if (it == entries_.end()) return NoSuchTask(task_id);
  return it->second.record;
}

std::vector<TaskSnapshot> TaskTable::List(absl::string_view after, size_t limit,
                                          absl::FunctionRef<bool(const v1::Task&)> wanted) const {
  std::vector<TaskSnapshot> tasks;
  absl::MutexLock lock(&mutex_);
  for (auto it = entries_.upper_bound(after); it != entries_.end() && tasks.size() < limit; ++it) {
    if (wanted(*it->second.record.task)) tasks.push_back(it->second.record.task);
  }
  return tasks;
}

std::vector<std::string> TaskTable::LiveTasksOf(absl::string_view launcher) const {
  std::vector<std::string> ids;
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, entry] : entries_) {
    if (IsLive(entry.record.phase) && entry.record.launcher == launcher) ids.push_back(id);
  }
  return ids;
}

TaskCapacity TaskTable::Held() const {
  absl::MutexLock lock(&mutex_);
  return held_;
}

absl::StatusOr<WaitTicket> TaskTable::Wait(absl::string_view task_id, Until until,
                                           TaskCallback callback) {
  TaskRecord record;
  WaitTicket ticket = {std::string(task_id)};
  {
    absl::MutexLock lock(&mutex_);
    auto it = entries_.find(task_id);
    if (it == entries_.end()) return NoSuchTask(task_id);
    ticket.number = next_ticket_++;
    if (!Holds(until, it->second.record)) {
      it->second.waiters.emplace(ticket.number, Waiter{until, std::move(callback)});
      return ticket;
    }
    record = it->second.record;
  }
  std::move(callback)(record);
  return ticket;
}

bool TaskTable::CancelWait(const WaitTicket& ticket) {
  // Destroyed when the lock is released: what a callback owns may do anything in its destructor.
  TaskCallback dropped;
  absl::MutexLock lock(&mutex_);
  auto it = entries_.find(ticket.task_id);
  if (it == entries_.end()) return false;
  auto waiter = it->second.waiters.find(ticket.number);
  if (waiter == it->second.waiters.end()) return false;
  dropped = std::move(waiter->second.callback);
  it->second.waiters.erase(waiter);
  return true;
}

absl::StatusOr<std::shared_ptr<TaskWatch>> TaskTable::Watch(absl::string_view task_id,
                                                            std::function<void()> on_ready,
                                                            size_t limit) {
  auto watch = std::make_shared<TaskWatch>(limit, std::move(on_ready));
  const absl::Time now = clock_->Now();
  std::vector<TaskEvent> events;
  const auto add = [&](const Entry& entry) {
    events.push_back({TaskEvent::Kind::kSnapshot, TaskChange::kCreated, entry.record.task, now});
  };
  absl::MutexLock lock(&mutex_);
  if (task_id.empty()) {
    for (const auto& [id, entry] : entries_) add(entry);
    watches_.push_back(watch);
  } else {
    auto it = entries_.find(task_id);
    if (it == entries_.end()) return NoSuchTask(task_id);
    add(it->second);
    it->second.watches.push_back(watch);
  }
  events.push_back({TaskEvent::Kind::kSynced, TaskChange::kCreated, nullptr, now});
  watch->Preload(std::move(events));
  return watch;
}

}  // namespace cloister::engine
