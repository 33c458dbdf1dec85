// What WatchTasks tells, and to whom.
#ifndef CLOISTER_SERVICES_FRONTEND_TASK_EVENTS_H_
#define CLOISTER_SERVICES_FRONTEND_TASK_EVENTS_H_

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cloister/v1/task_service.pb.h"
#include "services/frontend/task_index.h"

namespace cloister::frontend {

// One message for all who watch.
using EventRef = std::shared_ptr<const v1::WatchTasksResponse>;

// The events of one change, in the order that task_service.proto promises. A node tells states and
// may leave out some, so one change can be several events; each then shows the newest state.
std::vector<EventRef> MakeEvents(const TaskChange& change, absl::Time now);

// NODE_CHANGED: the task's node was lost or regained.
EventRef MakeNodeChanged(const v1::Task& task, bool unreachable, absl::Time now);

class TaskSubscriber {
 public:
  virtual ~TaskSubscriber() = default;
  // Called in order, under the lock of whoever publishes: it must not block, nor call back.
  virtual void OnTaskEvent(const EventRef& event) = 0;
};

// Not thread-safe.
class TaskFeed {
 public:
  // An empty task_id is all tasks. A subscriber is in the feed once, and is removed with the same
  // id.
  void Add(absl::string_view task_id, TaskSubscriber* subscriber);
  void Remove(absl::string_view task_id, TaskSubscriber* subscriber);
  void Publish(const EventRef& event) const;
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

 private:
  std::map<std::string, std::set<TaskSubscriber*>, std::less<>> subscribers_;
  size_t size_ = 0;
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_TASK_EVENTS_H_
