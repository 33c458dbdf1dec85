#include "services/frontend/pending_starts.h"

#include <utility>

namespace cloister::frontend {

void PendingStarts::Begin(absl::string_view task_id, absl::string_view node_id, const Room& demand,
                          absl::Time now) {
  DropOld(now);
  const auto [it, added] = starts_.try_emplace(std::string(task_id));
  Start& start = it->second;
  if (added) {
    start.node_id = std::string(node_id);
    start.demand = demand;
  }
  Hold(start);
  ++start.calls;
}

bool PendingStarts::End(absl::string_view task_id, Outcome outcome, absl::Time now) {
  const auto it = starts_.find(task_id);
  if (it == starts_.end()) return true;
  Start& start = it->second;
  const bool news = !start.destroyed;
  if (start.calls > 0) --start.calls;
  // Another call of the same id still waits: it decides.
  if (start.calls > 0) return news;
  if (outcome == Outcome::kUnknown && !start.reported && !start.destroyed) {
    // It may never come to be: only the node's word would say, and it may say nothing.
    LetGo(start);
    start.kept_since = now;
    return news;
  }
  Remove(it);
  return news;
}

std::string PendingStarts::NodeOf(absl::string_view task_id) const {
  const auto it = starts_.find(task_id);
  return it == starts_.end() ? "" : it->second.node_id;
}

void PendingStarts::Reported(absl::string_view node_id, absl::string_view task_id) {
  const auto it = starts_.find(task_id);
  if (it == starts_.end() || it->second.node_id != node_id) return;
  LetGo(it->second);
  it->second.reported = true;
  if (it->second.calls == 0) Remove(it);
}

void PendingStarts::Destroyed(absl::string_view node_id, absl::string_view task_id) {
  const auto it = starts_.find(task_id);
  if (it == starts_.end() || it->second.node_id != node_id) return;
  it->second.destroyed = true;
  if (it->second.calls == 0) Remove(it);
}

void PendingStarts::NodeSynced(absl::string_view node_id) {
  for (auto it = starts_.begin(); it != starts_.end();) {
    const bool settled = it->second.node_id == node_id && it->second.calls == 0;
    it = settled ? Remove(it) : std::next(it);
  }
}

Room PendingStarts::HeldOn(absl::string_view node_id) const {
  const auto it = held_.find(node_id);
  return it == held_.end() ? Room{} : it->second;
}

void PendingStarts::Hold(Start& start) {
  if (start.held || start.reported) return;
  start.held = true;
  Room& room = held_[start.node_id];
  room.tasks += start.demand.tasks;
  room.memory_mib += start.demand.memory_mib;
}

void PendingStarts::LetGo(Start& start) {
  if (!start.held) return;
  start.held = false;
  const auto it = held_.find(start.node_id);
  it->second.tasks -= start.demand.tasks;
  it->second.memory_mib -= start.demand.memory_mib;
  if (it->second.tasks == 0) held_.erase(it);
}

PendingStarts::Starts::iterator PendingStarts::Remove(Starts::iterator start) {
  LetGo(start->second);
  return starts_.erase(start);
}

void PendingStarts::DropOld(absl::Time now) {
  if (now < next_drop_) return;
  next_drop_ = now + kKeepUnknown / 10;
  for (auto it = starts_.begin(); it != starts_.end();) {
    const bool old = it->second.calls == 0 && it->second.kept_since + kKeepUnknown <= now;
    it = old ? Remove(it) : std::next(it);
  }
}

}  // namespace cloister::frontend
