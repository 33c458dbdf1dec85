// WatchTasks: all nodes' tasks as one stream, from the registry's events.
#ifndef CLOISTER_SERVICES_FRONTEND_WATCH_TASKS_H_
#define CLOISTER_SERVICES_FRONTEND_WATCH_TASKS_H_

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "cloister/v1/task_service.pb.h"
#include "libs/rpc/drain_signal.h"
#include "services/frontend/node_registry.h"
#include "services/frontend/task_events.h"

namespace cloister::frontend {

// A watch of one task ends with OK after DESTROYED; one of all does not end by itself.
class TaskWatch final : public grpc::ServerWriteReactor<v1::WatchTasksResponse>,
                        public TaskSubscriber {
 public:
  // At most `limit` events wait for the reader; more end the watch with RESOURCE_EXHAUSTED. Events
  // are shared with all other watches, so what waits costs a pointer. `registry` and `drain`
  // outlive the call. Deletes itself when it is done.
  static grpc::ServerWriteReactor<v1::WatchTasksResponse>* Start(
      NodeRegistry* registry, rpc::DrainSignal* drain, const v1::WatchTasksRequest& request,
      size_t limit);

  void OnTaskEvent(const EventRef& event) override;

 private:
  TaskWatch(NodeRegistry* registry, std::string task_id, size_t limit);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void Begin(std::vector<KnownTask> snapshot);
  void End(const absl::Status& status);
  // The stream ends with `status`, after the message that is under way if there is one.
  void EndWith(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes what comes next, or finishes, or leaves it to the write that is under way. Called
  // without the lock, as finishing can delete this object on another thread.
  void Continue();
  // Null: nothing to write now.
  const v1::WatchTasksResponse* Next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  NodeRegistry* const registry_;
  const std::string task_id_;
  const size_t limit_;

  absl::Mutex mu_;
  bool begun_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  // Finish when nothing is left to write: at once, or after the queue.
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mu_);
  std::vector<KnownTask> snapshot_ ABSL_GUARDED_BY(mu_);
  size_t snapshot_told_ ABSL_GUARDED_BY(mu_) = 0;
  bool synced_told_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<EventRef> queue_ ABSL_GUARDED_BY(mu_);
  // What is being written.
  v1::WatchTasksResponse own_message_ ABSL_GUARDED_BY(mu_);
  EventRef shared_message_ ABSL_GUARDED_BY(mu_);

  rpc::DrainSignal::Subscription drain_;  // Last: it ends first.
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_WATCH_TASKS_H_
