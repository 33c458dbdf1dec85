// NodeSession: how this executor joins its frontends and tells them of its tasks.
//
//   NodeSession session({.frontends = {"unix:/run/cloister/frontend.sock"},
//                        .dial = ..., .node = ..., .boot_id = ...,
//                        .snapshot = [&] { return engine.AllTasks(); }});
//   engine.Watch(...)  ->  session.Update(task), session.Destroyed(task_id)
//
// One session to each frontend, each by itself: one that cannot be reached is tried again for ever,
// with growing, jittered pauses, and is told everything anew when it can. News go out on a thread
// of the session's own, so that whoever changes a task does not pay for their telling.
#ifndef CLOISTER_SERVICES_EXECUTOR_NODE_SESSION_H_
#define CLOISTER_SERVICES_EXECUTOR_NODE_SESSION_H_

#include <grpcpp/channel.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cloister/v1/node_service.pb.h"
#include "cloister/v1/task.pb.h"
#include "libs/base/clock.h"

namespace cloister::executor {

struct NodeSessionOptions {
  // Addresses, each as `dial` takes it.
  std::vector<std::string> frontends;
  // A new channel to a frontend, not shared: its reconnects are not to be slowed by an old one's.
  std::function<absl::StatusOr<std::shared_ptr<grpc::ChannelInterface>>(const std::string& address)>
      dial;
  // id and address must be set.
  v1::Node node;
  // /proc/sys/kernel/random/boot_id.
  std::string boot_id;

  // All tasks as they are now. Called on a gRPC thread for each session that is made, without any
  // lock of ours; what changes after the call began must come by Update() and Destroyed().
  std::function<std::vector<v1::Task>()> snapshot;

  // For the log; may be empty. Called on gRPC threads; must not block, nor destroy the NodeSession.
  std::function<void(absl::string_view address, absl::string_view frontend_id)> on_joined;
  std::function<void(absl::string_view address, const absl::Status& why)> on_lost;

  // Pauses between tries.
  absl::Duration min_retry = absl::Milliseconds(100);
  absl::Duration max_retry = absl::Seconds(10);
  // Until a frontend has said its own.
  absl::Duration heartbeat_interval = absl::Seconds(5);
};

// Tells this start of an executor from every other one, and sorts after each earlier one of the
// same boot: the time since boot, then randomness.
std::string MakeIncarnation(const Clock& clock);

class FrontendSession;

// Thread-safe.
class NodeSession {
 public:
  // Begins to join. `clock` outlives the session.
  NodeSession(NodeSessionOptions options, const Clock* clock);
  NodeSession(const NodeSession&) = delete;
  NodeSession& operator=(const NodeSession&) = delete;
  // Leaves all frontends; returns when none of the callbacks runs any more.
  ~NodeSession();

  // What happens to the node's tasks, for each task in the order in which it happens. Cheap, and
  // never calls back: may be called under the engine's locks.
  void Update(const std::shared_ptr<const v1::Task>& task);
  void Update(const v1::Task& task) { Update(std::make_shared<const v1::Task>(task)); }
  void Destroyed(absl::string_view task_id);

 private:
  void RunTeller() ABSL_LOCKS_EXCLUDED(mu_);
  // `urgent`: someone may wait for it at a frontend.
  void NoteNews(bool urgent) ABSL_LOCKS_EXCLUDED(mu_);

  std::vector<std::shared_ptr<FrontendSession>> sessions_;
  absl::Mutex mu_;
  bool news_ ABSL_GUARDED_BY(mu_) = false;
  bool urgent_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread teller_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_NODE_SESSION_H_
