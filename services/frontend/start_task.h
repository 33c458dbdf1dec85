// StartTask: finds the node, sends the start there, and when a node that the frontend chose refuses
// for want of room, goes on to the next in the task's order.
#ifndef CLOISTER_SERVICES_FRONTEND_START_TASK_H_
#define CLOISTER_SERVICES_FRONTEND_START_TASK_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "cloister/v1/task_service.pb.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/principal.h"
#include "services/frontend/executor_connections.h"
#include "services/frontend/node_registry.h"
#include "services/frontend/pending_starts.h"

namespace cloister::frontend {

// What a start that ended so has left on the node: only a clear no of the executor itself, which
// comes with a reason, is kRefused.
PendingStarts::Outcome OutcomeOf(const grpc::Status& status);

// Whether the executor has no room, for its own word and not for the transport's (a message too
// large is RESOURCE_EXHAUSTED too).
bool IsOutOfRoom(const grpc::Status& status);

class TaskStart final : public grpc::ServerUnaryReactor {
 public:
  // `registry`, `connections` and `drain` outlive the call. Deletes itself when it is done.
  static grpc::ServerUnaryReactor* Start(NodeRegistry* registry, ExecutorConnections* connections,
                                         rpc::DrainSignal* drain,
                                         grpc::CallbackServerContext* caller,
                                         const rpc::Principal& principal,
                                         const v1::StartTaskRequest& request,
                                         v1::StartTaskResponse* response);

 private:
  TaskStart(NodeRegistry* registry, ExecutorConnections* connections,
            grpc::CallbackServerContext* caller, const rpc::Principal& principal,
            const v1::StartTaskRequest& request, v1::StartTaskResponse* response);

  void OnCancel() override;
  void OnDone() override { delete this; }
  void OnDrain() ABSL_LOCKS_EXCLUDED(mu_);
  bool drained() ABSL_LOCKS_EXCLUDED(mu_);

  // Checks the request's ids and fills in the task's.
  absl::Status Identify();
  // Sends the start to the next node; on an error there is none.
  absl::Status Send();
  void Answered(const grpc::Status& status);
  // A context for the next try; cancelled already if the caller has gone.
  grpc::ClientContext* NewContext();

  NodeRegistry* const registry_;
  ExecutorConnections* const connections_;
  grpc::CallbackServerContext* const caller_;
  const rpc::Principal principal_;
  // As the caller asked.
  NodeRegistry::StartQuery query_;
  NodeRegistry::StartTarget target_;
  ExecutorStub stub_;
  v1::StartTaskRequest request_;
  v1::StartTaskResponse* const response_;
  // Of a start that is to last until the task's end.
  rpc::DrainSignal::Subscription drain_;

  absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool drained_ ABSL_GUARDED_BY(mu_) = false;
  std::unique_ptr<grpc::ClientContext> context_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_START_TASK_H_
