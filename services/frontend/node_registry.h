// NodeRegistry: which nodes there are, whether they can be reached, and the tasks that they told
// of. All in memory, learned from the nodes' sessions; nothing here knows gRPC.
//
// A node is READY from its session's `synced` until that session ends. Before the first `synced`
// it is not listed; after a loss it stays, UNREACHABLE, with its tasks as they were.
#ifndef CLOISTER_SERVICES_FRONTEND_NODE_REGISTRY_H_
#define CLOISTER_SERVICES_FRONTEND_NODE_REGISTRY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "cloister/v1/node_service.pb.h"
#include "cloister/v1/node_session.pb.h"
#include "libs/base/clock.h"
#include "services/frontend/pending_starts.h"
#include "services/frontend/placement.h"
#include "services/frontend/task_events.h"
#include "services/frontend/task_index.h"

namespace cloister::frontend {

// A task as last told, and whether its node can be asked now.
struct KnownTask {
  TaskRef task;
  bool node_unreachable = false;

  // For answers: node_unreachable is set in it.
  v1::Task Shown() const;
};

// Thread-safe. Errors carry the reasons of frontend_error.h.
class NodeRegistry {
 public:
  // 0 is none.
  using SessionId = uint64_t;

  struct Registration {
    SessionId session = 0;
    // The session that this one takes the place of; to be closed. 0: none.
    SessionId replaced = 0;
  };

  // `clock` outlives the registry.
  explicit NodeRegistry(const Clock* clock) : clock_(clock) {}
  NodeRegistry(const NodeRegistry&) = delete;
  NodeRegistry& operator=(const NodeRegistry&) = delete;

  // --- Of the node's session.

  // A living session of the same id is replaced by one of the same boot and the same or a later
  // incarnation (an executor that restarted, or lost its connection before we did). Any other is
  // refused: ALREADY_EXISTS.
  absl::StatusOr<Registration> Register(const v1::RegisterNode& node);
  // Messages of a session come with consecutive sequence numbers, from 1. After an error the
  // session must be closed.
  absl::Status Apply(SessionId session, v1::NodeStatus status);
  // The session has ended. Without effect if it was replaced.
  void Lose(SessionId session);

  // --- Nodes.

  absl::StatusOr<v1::Node> GetNode(absl::string_view node_id) const;
  // In order of id, from the first after `after`.
  std::vector<v1::Node> ListNodes(absl::string_view after, size_t limit) const;
  // The node to ask what any node can answer: `asked`, or if that is empty a READY one.
  absl::StatusOr<std::string> AnyReadyNode(absl::string_view asked) const;

  // --- Tasks.

  // Where the task is. NOT_FOUND only if every node that is there has told all it has; else
  // UNAVAILABLE. Of two nodes with one id a READY one is taken.
  absl::StatusOr<KnownTask> Locate(absl::string_view task_id) const;
  std::vector<KnownTask> ListTasks(const TaskIndex::Position& after, absl::string_view node_id,
                                   const std::set<v1::TaskState>& states, size_t limit) const;
  // DestroyTask of the object that `known` shows was answered with OK.
  void Forget(const v1::Task& known);

  // --- Starts.

  struct StartQuery {
    std::string task_id;
    // Empty: the frontend chooses.
    std::string node_id;
    Room demand;
    // Nodes that have refused this start for want of room.
    std::set<std::string> refused_by;
  };
  struct StartTarget {
    std::string node_id;
    // Chosen now: nobody named it and it does not have the task. Another may be tried.
    bool placed = false;
  };
  // Where to send a start. Each success needs one EndStart.
  absl::StatusOr<StartTarget> BeginStart(const StartQuery& query);
  // `task` is the executor's answer, with kStarted only.
  void EndStart(absl::string_view task_id, PendingStarts::Outcome outcome, const v1::Task* task);

  // --- Watching.

  // The tasks as they are, and every event from then on. An empty id is all tasks.
  std::vector<KnownTask> Subscribe(absl::string_view task_id, TaskSubscriber* subscriber);
  // No call of the subscriber begins or runs on after this. Not from within OnTaskEvent.
  void Unsubscribe(absl::string_view task_id, TaskSubscriber* subscriber);
  size_t subscribers() const;

 private:
  struct Session {
    SessionId id = 0;
    std::string boot_id;
    std::string incarnation;
    uint64_t sequence = 0;
    bool synced = false;
    // What was told before `synced`.
    std::map<std::string, v1::Task> told;
  };
  struct Entry {
    // Of the last session that synced; id is empty before the first did.
    v1::Node node;
    v1::Node registering;
    // id 0: none.
    Session session;

    bool listed() const { return !node.id().empty(); }
    bool ready() const { return session.id != 0 && session.synced; }
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  Entry* EntryOf(SessionId session) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplySnapshotPart(Entry& entry, v1::NodeStatus& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyChanges(const std::string& node_id, v1::NodeStatus& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void BecomeReady(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LoseEntry(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Publish(const std::vector<TaskChange>& changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PublishNodeChanged(const std::string& node_id, bool unreachable)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  bool IsReady(absl::string_view node_id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  KnownTask Known(TaskRef task) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  TaskRef BestHolder(absl::string_view task_id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  v1::Node Shown(const Entry& entry) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // OK if the node can be sent something.
  absl::Status CheckReady(absl::string_view node_id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::Status NotFound(absl::string_view task_id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::string> Place(const StartQuery& query) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const Clock* const clock_;
  mutable absl::Mutex mu_;
  Entries entries_ ABSL_GUARDED_BY(mu_);
  std::map<SessionId, std::string> session_nodes_ ABSL_GUARDED_BY(mu_);
  SessionId last_session_ ABSL_GUARDED_BY(mu_) = 0;
  TaskIndex index_ ABSL_GUARDED_BY(mu_);
  PendingStarts pending_ ABSL_GUARDED_BY(mu_);
  TaskFeed feed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_NODE_REGISTRY_H_
