// All sessions of executors that a frontend has now, and the one timer that looks for silent ones.
#ifndef CLOISTER_SERVICES_FRONTEND_JOIN_SESSIONS_H_
#define CLOISTER_SERVICES_FRONTEND_JOIN_SESSIONS_H_

#include <grpcpp/alarm.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cloister/v1/node_service.pb.h"
#include "libs/base/clock.h"
#include "libs/rpc/drain_signal.h"
#include "services/frontend/executor_connections.h"
#include "services/frontend/node_registry.h"

namespace cloister::frontend {

class JoinSession;

struct JoinOptions {
  // Of this frontend, for the nodes' logs.
  std::string frontend_id;
  // What nodes are told to send at, at least 1 ms. Silence for three of these breaks a session.
  absl::Duration heartbeat_interval = absl::Seconds(5);
  // Whether the caller may join as this node, which says all of itself (join_policy.h).
  std::function<absl::Status(const grpc::ServerContextBase& caller, const v1::Node& node)> may_join;
};

// Thread-safe. Held by shared_ptr, as the timer's last call may come after Stop().
class JoinSessions : public std::enable_shared_from_this<JoinSessions> {
 public:
  // What a session works on; all outlive the sessions.
  struct Parts {
    NodeRegistry* registry;
    ExecutorConnections* connections;
    rpc::DrainSignal* drain;
    const Clock* clock;
  };

  JoinSessions(JoinOptions options, Parts parts) : options_(std::move(options)), parts_(parts) {}

  // The timer. Stop() returns when it does nothing any more.
  void Start();
  void Stop();

  void Add(JoinSession* session);
  // The session is registered under `id`, in place of `replaced` (0: none), which is closed.
  void Registered(JoinSession* session, NodeRegistry::SessionId id,
                  NodeRegistry::SessionId replaced);
  // `id` is 0 if it never was registered.
  void Remove(JoinSession* session, NodeRegistry::SessionId id);

  const JoinOptions& options() const { return options_; }
  const Parts& parts() const { return parts_; }

 private:
  void Arm() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Sweep();

  const JoinOptions options_;
  const Parts parts_;
  absl::Mutex mu_;
  bool running_ ABSL_GUARDED_BY(mu_) = false;
  std::unique_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mu_);
  std::set<JoinSession*> sessions_ ABSL_GUARDED_BY(mu_);
  std::map<NodeRegistry::SessionId, JoinSession*> registered_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_JOIN_SESSIONS_H_
