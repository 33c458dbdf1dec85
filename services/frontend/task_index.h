// The tasks of the cluster as their nodes last told them. Pure, not thread-safe.
//
// News of one task comes on two ways, the node's session and the answers of its executor, in any
// order between the two. Task.revision orders the news of one object; Task.create_time tells apart
// two objects of one id (destroyed, then started again with the same request_id).
#ifndef CLOISTER_SERVICES_FRONTEND_TASK_INDEX_H_
#define CLOISTER_SERVICES_FRONTEND_TASK_INDEX_H_

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cloister/v1/task.pb.h"
#include "services/frontend/placement.h"

namespace cloister::frontend {

// Lists, events and the index share one object.
using TaskRef = std::shared_ptr<const v1::Task>;

// At least one is set: no `before` is a new task, no `after` one that is gone.
struct TaskChange {
  TaskRef before;
  TaskRef after;
};

// Whether nothing of the task runs any more: EXITED or LOST.
bool HasEnded(const v1::Task& task);

// What a task takes of its node while it has not ended.
Room DemandOf(const v1::TaskConfig& config);

class TaskIndex {
 public:
  // A place in the order of lists: by task id, then by node. Two nodes hold one id only after a
  // start was repeated while the first node was away (docs/frontend.md).
  struct Position {
    std::string task_id;
    std::string node_id;
    bool operator<(const Position& other) const {
      return std::tie(task_id, node_id) < std::tie(other.task_id, other.node_id);
    }
  };

  // The node has this task, so. What is old news changes nothing; two changes are one object's end
  // and the next one's beginning.
  std::vector<TaskChange> Update(absl::string_view node_id, v1::Task task);

  // The node's session says that it destroyed the task.
  std::vector<TaskChange> Destroyed(absl::string_view node_id, absl::string_view task_id);

  // The executor answered a DestroyTask for the object that `known` shows; its session will say so
  // later, and until then its old news of that object is not listened to.
  std::vector<TaskChange> Forget(const v1::Task& known);

  // All that the node has: what is not among `tasks` is gone. An executor that restarted counts
  // revisions anew, so here a lower one is believed, unless it would lead a task's state back.
  std::vector<TaskChange> Replace(absl::string_view node_id, std::vector<v1::Task> tasks);

  // One for each node that holds the id, usually one. In order of node id.
  std::vector<TaskRef> Find(absl::string_view task_id) const;
  // Null if that node does not hold it.
  TaskRef FindOn(absl::string_view node_id, absl::string_view task_id) const;

  // In order, from the first after `after`, at most `limit`. An empty node_id is all nodes, an
  // empty `states` all states.
  std::vector<TaskRef> List(const Position& after, absl::string_view node_id,
                            const std::set<v1::TaskState>& states, size_t limit) const;
  // In order of id.
  std::vector<TaskRef> TasksOf(absl::string_view node_id) const;

  // What the node's tasks that have not ended take.
  Room TakenOn(absl::string_view node_id) const;

 private:
  struct NodeTasks {
    std::map<std::string, TaskRef, std::less<>> tasks;
    Room taken;
    // Destroyed by request, not yet by session: id -> create_time of the object.
    std::map<std::string, absl::Time, std::less<>> forgotten;
  };

  enum class Source { kNews, kSnapshot };
  std::vector<TaskChange> Update(const std::string& node_id, v1::Task task, Source source);
  TaskChange Put(const std::string& node_id, TaskRef task);
  TaskChange Erase(const std::string& node_id, absl::string_view task_id);

  std::map<std::string, NodeTasks, std::less<>> nodes_;
  std::map<Position, TaskRef> tasks_;
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_TASK_INDEX_H_
