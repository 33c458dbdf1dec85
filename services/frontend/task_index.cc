#include "services/frontend/task_index.h"

#include <cstdint>

namespace cloister::frontend {
namespace {

// What a task gets that asked for no memory limit (task.proto, Resources.memory).
constexpr int64_t kDefaultMemoryMib = 300;

absl::Time CreateTime(const v1::Task& task) {
  return absl::FromUnixSeconds(task.create_time().seconds()) +
         absl::Nanoseconds(task.create_time().nanos());
}

Room operator+(const Room& a, const Room& b) {
  return {a.tasks + b.tasks, a.memory_mib + b.memory_mib};
}

Room operator-(const Room& a, const Room& b) {
  return {a.tasks - b.tasks, a.memory_mib - b.memory_mib};
}

// TaskState's numbers grow in the order of a task's life; EXITED and LOST are both its end.
bool LeadsBack(const v1::Task& known, const v1::Task& task) {
  return !HasEnded(task) && task.state() < known.state();
}

Room TakenBy(const v1::Task& task) { return HasEnded(task) ? Room{} : DemandOf(task.config()); }

}  // namespace

bool HasEnded(const v1::Task& task) {
  return task.state() == v1::TASK_STATE_EXITED || task.state() == v1::TASK_STATE_LOST;
}

Room DemandOf(const v1::TaskConfig& config) {
  const int64_t memory = config.resources().memory();
  return {.tasks = 1, .memory_mib = memory > 0 ? memory : kDefaultMemoryMib};
}

std::vector<TaskChange> TaskIndex::Update(absl::string_view node_id, v1::Task task) {
  return Update(std::string(node_id), std::move(task), Source::kNews);
}

std::vector<TaskChange> TaskIndex::Update(const std::string& node, v1::Task task, Source source) {
  NodeTasks& on_node = nodes_[node];
  const auto forgotten = on_node.forgotten.find(task.id());
  if (forgotten != on_node.forgotten.end() && forgotten->second == CreateTime(task)) return {};

  // The session says whose task it is; the message inside it is only the node's word.
  task.set_node_id(node);
  task.set_node_unreachable(false);
  std::vector<TaskChange> changes;
  if (const TaskRef known = FindOn(node, task.id()); known != nullptr) {
    const absl::Time known_since = CreateTime(*known);
    if (CreateTime(task) < known_since) return {};
    if (CreateTime(task) > known_since) {
      changes.push_back(Erase(node, task.id()));
    } else if (task.revision() <= known->revision() &&
               (source == Source::kNews || LeadsBack(*known, task))) {
      return {};
    }
  }
  changes.push_back(Put(node, std::make_shared<const v1::Task>(std::move(task))));
  return changes;
}

std::vector<TaskChange> TaskIndex::Destroyed(absl::string_view node_id, absl::string_view task_id) {
  const auto node = nodes_.find(node_id);
  if (node == nodes_.end()) return {};
  const auto forgotten = node->second.forgotten.find(task_id);
  if (forgotten != node->second.forgotten.end()) {
    // This is the object that was forgotten; what the index holds by now is its successor.
    node->second.forgotten.erase(forgotten);
    return {};
  }
  if (FindOn(node_id, task_id) == nullptr) return {};
  return {Erase(node->first, task_id)};
}

std::vector<TaskChange> TaskIndex::Forget(const v1::Task& known) {
  const TaskRef held = FindOn(known.node_id(), known.id());
  if (held == nullptr || CreateTime(*held) != CreateTime(known)) return {};
  nodes_[known.node_id()].forgotten[known.id()] = CreateTime(known);
  return {Erase(known.node_id(), known.id())};
}

std::vector<TaskChange> TaskIndex::Replace(absl::string_view node_id, std::vector<v1::Task> tasks) {
  const std::string node(node_id);
  nodes_[node].forgotten.clear();
  std::set<std::string> present;
  for (const v1::Task& task : tasks) present.insert(task.id());
  std::vector<TaskChange> changes;
  for (const TaskRef& known : TasksOf(node)) {
    if (present.count(known->id()) == 0) changes.push_back(Erase(node, known->id()));
  }
  for (v1::Task& task : tasks) {
    for (TaskChange& change : Update(node, std::move(task), Source::kSnapshot)) {
      changes.push_back(std::move(change));
    }
  }
  return changes;
}

std::vector<TaskRef> TaskIndex::Find(absl::string_view task_id) const {
  std::vector<TaskRef> found;
  for (auto it = tasks_.lower_bound({std::string(task_id), ""});
       it != tasks_.end() && it->first.task_id == task_id; ++it) {
    found.push_back(it->second);
  }
  return found;
}

TaskRef TaskIndex::FindOn(absl::string_view node_id, absl::string_view task_id) const {
  const auto node = nodes_.find(node_id);
  if (node == nodes_.end()) return nullptr;
  const auto task = node->second.tasks.find(task_id);
  return task == node->second.tasks.end() ? nullptr : task->second;
}

std::vector<TaskRef> TaskIndex::List(const Position& after, absl::string_view node_id,
                                     const std::set<v1::TaskState>& states, size_t limit) const {
  std::vector<TaskRef> page;
  const auto add = [&](const TaskRef& task) {
    if (states.empty() || states.count(task->state()) > 0) page.push_back(task);
    return page.size() < limit;
  };
  if (!node_id.empty()) {
    const auto node = nodes_.find(node_id);
    if (node == nodes_.end()) return page;
    const auto& tasks = node->second.tasks;
    for (auto it = tasks.upper_bound(after.task_id); it != tasks.end() && add(it->second); ++it) {
    }
    return page;
  }
  for (auto it = tasks_.upper_bound(after); it != tasks_.end() && add(it->second); ++it) {
  }
  return page;
}

std::vector<TaskRef> TaskIndex::TasksOf(absl::string_view node_id) const {
  std::vector<TaskRef> tasks;
  const auto node = nodes_.find(node_id);
  if (node == nodes_.end()) return tasks;
  for (const auto& [id, task] : node->second.tasks) tasks.push_back(task);
  return tasks;
}

Room TaskIndex::TakenOn(absl::string_view node_id) const {
  const auto node = nodes_.find(node_id);
  return node == nodes_.end() ? Room{} : node->second.taken;
}

TaskChange TaskIndex::Put(const std::string& node_id, TaskRef task) {
  NodeTasks& on_node = nodes_[node_id];
  TaskRef& held = on_node.tasks[task->id()];
  TaskChange change = {.before = held, .after = task};
  if (held != nullptr) on_node.taken = on_node.taken - TakenBy(*held);
  on_node.taken = on_node.taken + TakenBy(*task);
  tasks_[{task->id(), node_id}] = task;
  held = std::move(task);
  return change;
}

TaskChange TaskIndex::Erase(const std::string& node_id, absl::string_view task_id) {
  NodeTasks& on_node = nodes_[node_id];
  const auto held = on_node.tasks.find(task_id);
  TaskChange change = {.before = held->second};
  on_node.taken = on_node.taken - TakenBy(*held->second);
  tasks_.erase({std::string(task_id), node_id});
  on_node.tasks.erase(held);
  return change;
}

}  // namespace cloister::frontend
