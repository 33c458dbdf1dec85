#include "services/frontend/node_registry.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "services/frontend/frontend_error.h"

namespace cloister::frontend {
namespace {

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  out->set_seconds(seconds);
  out->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

// A node that names no limit has none.
int64_t Limit(int64_t told) { return told > 0 ? told : std::numeric_limits<int64_t>::max() / 2; }

absl::Status CheckIds(const v1::NodeStatus& status) {
  for (const v1::Task& task : status.tasks()) {
    if (task.id().empty()) return BadField("status.tasks.id", "empty: every task has an id");
  }
  return absl::OkStatus();
}

bool TakesPlaceOf(const v1::RegisterNode& node, absl::string_view boot_id,
                  absl::string_view incarnation) {
  return node.boot_id() == boot_id && node.incarnation() >= incarnation;
}

}  // namespace

v1::Task KnownTask::Shown() const {
  v1::Task shown = *task;
  shown.set_node_unreachable(node_unreachable);
  return shown;
}

absl::StatusOr<NodeRegistry::Registration> NodeRegistry::Register(const v1::RegisterNode& node) {
  const std::string& id = node.node().id();
  if (id.empty()) return BadField("register.node.id", "empty: a node has an id");
  absl::MutexLock lock(&mu_);
  Entry& entry = entries_[id];
  Registration registration;
  if (entry.session.id != 0) {
    if (!TakesPlaceOf(node, entry.session.boot_id, entry.session.incarnation)) {
      return NodeIdInUse(id);
    }
    registration.replaced = entry.session.id;
    LoseEntry(entry);
  }
  entry.session = Session{};
  entry.session.id = ++last_session_;
  entry.session.boot_id = node.boot_id();
  entry.session.incarnation = node.incarnation();
  entry.registering = node.node();
  session_nodes_[entry.session.id] = id;
  registration.session = entry.session.id;
  return registration;
}

absl::Status NodeRegistry::Apply(SessionId session, v1::NodeStatus status) {
  CLOISTER_RETURN_IF_ERROR(CheckIds(status));
  absl::MutexLock lock(&mu_);
  Entry* entry = EntryOf(session);
  if (entry == nullptr) return absl::AbortedError("a later session of this node has taken over");
  if (status.sequence() != entry->session.sequence + 1) {
    return BadField("status.sequence",
                    absl::StrCat(status.sequence(), " came after ", entry->session.sequence));
  }
  entry->session.sequence = status.sequence();
  const bool synced = status.synced();
  if (entry->session.synced) {
    ApplyChanges(entry->node.id(), status);
  } else {
    ApplySnapshotPart(*entry, status);
    if (synced) BecomeReady(*entry);
  }
  return absl::OkStatus();
}

void NodeRegistry::Lose(SessionId session) {
  absl::MutexLock lock(&mu_);
  Entry* entry = EntryOf(session);
  if (entry == nullptr) return;
  LoseEntry(*entry);
  // One that never came to be listed leaves no trace.
  if (!entry->listed()) entries_.erase(entry->registering.id());
}

absl::StatusOr<v1::Node> NodeRegistry::GetNode(absl::string_view node_id) const {
  absl::MutexLock lock(&mu_);
  const auto it = entries_.find(node_id);
  if (it == entries_.end() || !it->second.listed()) return NodeUnknown(node_id);
  return Shown(it->second);
}

std::vector<v1::Node> NodeRegistry::ListNodes(absl::string_view after, size_t limit) const {
  absl::MutexLock lock(&mu_);
  std::vector<v1::Node> nodes;
  for (auto it = entries_.upper_bound(after); it != entries_.end() && nodes.size() < limit; ++it) {
    if (!it->second.listed()) continue;
    nodes.push_back(Shown(it->second));
    // A thousand times these would be more than one message holds: they are GetNode's to tell.
    nodes.back().clear_attributes();
  }
  return nodes;
}

absl::StatusOr<std::string> NodeRegistry::AnyReadyNode(absl::string_view asked) const {
  absl::MutexLock lock(&mu_);
  if (!asked.empty()) {
    CLOISTER_RETURN_IF_ERROR(CheckReady(asked));
    return std::string(asked);
  }
  for (const auto& [id, entry] : entries_) {
    if (entry.ready()) return id;
  }
  return NoNodes();
}

absl::StatusOr<KnownTask> NodeRegistry::Locate(absl::string_view task_id) const {
  absl::MutexLock lock(&mu_);
  TaskRef task = BestHolder(task_id);
  if (task == nullptr) return NotFound(task_id);
  return Known(std::move(task));
}

std::vector<KnownTask> NodeRegistry::ListTasks(const TaskIndex::Position& after,
                                               absl::string_view node_id,
                                               const std::set<v1::TaskState>& states,
                                               size_t limit) const {
  absl::MutexLock lock(&mu_);
  std::vector<KnownTask> tasks;
  for (TaskRef& task : index_.List(after, node_id, states, limit)) {
    tasks.push_back(Known(std::move(task)));
  }
  return tasks;
}

void NodeRegistry::Forget(const v1::Task& known) {
  absl::MutexLock lock(&mu_);
  Publish(index_.Forget(known));
}

absl::StatusOr<NodeRegistry::StartTarget> NodeRegistry::BeginStart(const StartQuery& query) {
  absl::MutexLock lock(&mu_);
  StartTarget target;
  const TaskRef existing = BestHolder(query.task_id);
  if (existing != nullptr) {
    target.node_id = existing->node_id();
  } else {
    target.node_id = pending_.NodeOf(query.task_id);
  }
  if (!target.node_id.empty()) {
    if (!query.node_id.empty() && query.node_id != target.node_id) {
      return StartedElsewhere(query.task_id, target.node_id, query.node_id);
    }
  } else if (!query.node_id.empty()) {
    target.node_id = query.node_id;
  } else {
    CLOISTER_ASSIGN_OR_RETURN(target.node_id, Place(query));
    target.placed = true;
  }
  CLOISTER_RETURN_IF_ERROR(CheckReady(target.node_id));
  pending_.Begin(query.task_id, target.node_id, query.demand, clock_->Now());
  if (existing != nullptr) pending_.Reported(target.node_id, query.task_id);
  return target;
}

void NodeRegistry::EndStart(absl::string_view task_id, PendingStarts::Outcome outcome,
                            const v1::Task* task) {
  absl::MutexLock lock(&mu_);
  const std::string node_id = pending_.NodeOf(task_id);
  const bool news = pending_.End(task_id, outcome, clock_->Now());
  if (task == nullptr || !news || task->id() != task_id) return;
  const auto it = entries_.find(node_id);
  if (it == entries_.end()) return;
  if (it->second.session.id != 0 && !it->second.session.synced) {
    // The snapshot that is being told may have been taken before this task.
    it->second.session.told.try_emplace(task->id(), *task);
    return;
  }
  Publish(index_.Update(node_id, *task));
}

std::vector<KnownTask> NodeRegistry::Subscribe(absl::string_view task_id,
                                               TaskSubscriber* subscriber) {
  absl::MutexLock lock(&mu_);
  std::vector<KnownTask> snapshot;
  if (task_id.empty()) {
    for (TaskRef& task : index_.List({}, "", {}, std::numeric_limits<size_t>::max())) {
      snapshot.push_back(Known(std::move(task)));
    }
  } else {
    for (TaskRef& task : index_.Find(task_id)) snapshot.push_back(Known(std::move(task)));
  }
  feed_.Add(task_id, subscriber);
  return snapshot;
}

void NodeRegistry::Unsubscribe(absl::string_view task_id, TaskSubscriber* subscriber) {
  absl::MutexLock lock(&mu_);
  feed_.Remove(task_id, subscriber);
}

size_t NodeRegistry::subscribers() const {
  absl::MutexLock lock(&mu_);
  return feed_.size();
}

NodeRegistry::Entry* NodeRegistry::EntryOf(SessionId session) {
  const auto it = session_nodes_.find(session);
  return it == session_nodes_.end() ? nullptr : &entries_[it->second];
}

void NodeRegistry::ApplySnapshotPart(Entry& entry, v1::NodeStatus& status) {
  for (const std::string& id : status.destroyed_task_ids()) {
    entry.session.told.erase(id);
    pending_.Destroyed(entry.registering.id(), id);
  }
  for (v1::Task& task : *status.mutable_tasks()) {
    std::string id = task.id();
    entry.session.told[std::move(id)] = std::move(task);
  }
}

void NodeRegistry::ApplyChanges(const std::string& node_id, v1::NodeStatus& status) {
  for (const std::string& id : status.destroyed_task_ids()) {
    pending_.Destroyed(node_id, id);
    Publish(index_.Destroyed(node_id, id));
  }
  for (v1::Task& task : *status.mutable_tasks()) {
    pending_.Reported(node_id, task.id());
    Publish(index_.Update(node_id, std::move(task)));
  }
}

void NodeRegistry::BecomeReady(Entry& entry) {
  const bool regained = entry.listed();
  entry.node = std::move(entry.registering);
  entry.node.clear_unreachable_since();
  SetTime(clock_->Now(), entry.node.mutable_register_time());
  entry.session.synced = true;

  const std::string& node_id = entry.node.id();
  if (regained) PublishNodeChanged(node_id, /*unreachable=*/false);
  std::vector<v1::Task> tasks;
  for (auto& [id, task] : entry.session.told) {
    pending_.Reported(node_id, id);
    tasks.push_back(std::move(task));
  }
  entry.session.told.clear();
  Publish(index_.Replace(node_id, std::move(tasks)));
  pending_.NodeSynced(node_id);
}

void NodeRegistry::LoseEntry(Entry& entry) {
  const bool was_ready = entry.ready();
  session_nodes_.erase(entry.session.id);
  entry.session = Session{};
  if (!was_ready) return;
  SetTime(clock_->Now(), entry.node.mutable_unreachable_since());
  PublishNodeChanged(entry.node.id(), /*unreachable=*/true);
}

void NodeRegistry::Publish(const std::vector<TaskChange>& changes) {
  if (feed_.empty()) return;
  for (const TaskChange& change : changes) {
    for (const EventRef& event : MakeEvents(change, clock_->Now())) feed_.Publish(event);
  }
}

void NodeRegistry::PublishNodeChanged(const std::string& node_id, bool unreachable) {
  if (feed_.empty()) return;
  for (const TaskRef& task : index_.TasksOf(node_id)) {
    feed_.Publish(MakeNodeChanged(*task, unreachable, clock_->Now()));
  }
}

bool NodeRegistry::IsReady(absl::string_view node_id) const {
  const auto it = entries_.find(node_id);
  return it != entries_.end() && it->second.ready();
}

KnownTask NodeRegistry::Known(TaskRef task) const {
  const bool unreachable = !IsReady(task->node_id());
  return {.task = std::move(task), .node_unreachable = unreachable};
}

TaskRef NodeRegistry::BestHolder(absl::string_view task_id) const {
  TaskRef best;
  for (TaskRef& task : index_.Find(task_id)) {
    if (best == nullptr || (!IsReady(best->node_id()) && IsReady(task->node_id()))) {
      best = std::move(task);
    }
  }
  return best;
}

v1::Node NodeRegistry::Shown(const Entry& entry) const {
  v1::Node node = entry.node;
  node.set_state(entry.ready() ? v1::NODE_STATE_READY : v1::NODE_STATE_UNREACHABLE);
  const Room taken = index_.TakenOn(node.id());
  node.set_live_tasks(taken.tasks);
  node.set_granted_memory_mib(taken.memory_mib);
  return node;
}

absl::Status NodeRegistry::CheckReady(absl::string_view node_id) const {
  const auto it = entries_.find(node_id);
  if (it == entries_.end()) return NodeUnknown(node_id);
  if (it->second.ready()) return absl::OkStatus();
  if (!it->second.listed()) return NodeSyncing(node_id);
  return NodeUnreachable(node_id, "its session is gone");
}

absl::Status NodeRegistry::NotFound(absl::string_view task_id) const {
  if (const std::string node_id = pending_.NodeOf(task_id); !node_id.empty()) {
    return NodeUnreachable(node_id, "it was sent this task and has not told of it yet");
  }
  if (entries_.empty()) return NoNodes();
  for (const auto& [id, entry] : entries_) {
    if (entry.session.id != 0 && !entry.session.synced) return NodeSyncing(id);
  }
  return TaskUnknown(task_id);
}

absl::StatusOr<std::string> NodeRegistry::Place(const StartQuery& query) const {
  std::vector<PlacementNode> nodes;
  size_t ready = 0;
  for (const auto& [id, entry] : entries_) {
    if (!entry.ready()) continue;
    ++ready;
    if (query.refused_by.count(id) > 0) continue;
    const Room taken = index_.TakenOn(id);
    const Room held = pending_.HeldOn(id);
    const v1::NodeCapacity& capacity = entry.node.capacity();
    nodes.push_back(
        {id,
         {.tasks = Limit(capacity.tasks()) - taken.tasks - held.tasks,
          .memory_mib = Limit(capacity.memory_mib()) - taken.memory_mib - held.memory_mib}});
  }
  if (ready == 0) return NoNodes();
  std::vector<std::string> ranked = RankNodes(query.task_id, query.demand, nodes);
  if (ranked.empty()) return NoNodeWithRoom(ready, query.demand.memory_mib);
  return std::move(ranked.front());
}

}  // namespace cloister::frontend
