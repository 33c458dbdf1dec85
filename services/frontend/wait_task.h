// WaitTask. It is answered from what the nodes tell, not forwarded: so a wait outlives the loss of
// its node's connection and a restart of its executor, and costs neither end a call of its own.
#ifndef CLOISTER_SERVICES_FRONTEND_WAIT_TASK_H_
#define CLOISTER_SERVICES_FRONTEND_WAIT_TASK_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "cloister/v1/task_service.pb.h"
#include "libs/rpc/drain_signal.h"
#include "services/frontend/node_registry.h"
#include "services/frontend/task_events.h"

namespace cloister::frontend {

class TaskWait final : public grpc::ServerUnaryReactor, public TaskSubscriber {
 public:
  // `registry` and `drain` outlive the call. Deletes itself when it is done.
  static grpc::ServerUnaryReactor* Start(NodeRegistry* registry, rpc::DrainSignal* drain,
                                         const v1::WaitTaskRequest& request,
                                         v1::WaitTaskResponse* response);

  void OnTaskEvent(const EventRef& event) override;

 private:
  TaskWait(NodeRegistry* registry, std::string task_id, v1::WaitTaskResponse* response);

  void OnCancel() override;
  void OnDone() override;

  void Answer(const v1::Task& task);
  void Fail(const absl::Status& status);
  // True for the one that may finish.
  bool Claim() { return !finished_.exchange(true); }

  NodeRegistry* const registry_;
  const std::string task_id_;
  v1::WaitTaskResponse* const response_;
  std::atomic<bool> finished_ = false;
  rpc::DrainSignal::Subscription drain_;  // Last: it ends first.
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_WAIT_TASK_H_
