// The service of proto/cloister/probe for tests of libs/rpc: one method of each kind.

#ifndef CLOISTER_LIBS_RPC_TESTING_PROBE_SERVICE_H_
#define CLOISTER_LIBS_RPC_TESTING_PROBE_SERVICE_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "cloister/probe/probe.grpc.pb.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/method_table.h"

namespace cloister::rpc {

// Everything but Unlisted, for these callers; forwarders as for an executor.
MethodTable ProbeMethodTable(RoleSet callers);

class ProbeService final : public probe::ProbeService::CallbackService {
 public:
  ProbeService(const Authorizer* authorizer, DrainSignal* drain)
      : authorizer_(authorizer), drain_(drain) {}

  // Waits until this many Block calls are open.
  void AwaitBlocked(size_t count);
  // Waits until no Block call is left.
  void AwaitUnblocked();
  // Ends all open Block calls with OK.
  void Release();
  // The peer of the Block call that began last: "fd:9".
  std::string blocked_peer();
  // Block calls do not listen to the drain signal from now on, nor end when they are cancelled.
  void Ignore() { ignore_ = true; }
  // The next Echo calls fail with UNAVAILABLE.
  void FailEchoes(int count) { failing_echoes_ = count; }

  // Handlers that ran, of whatever method.
  int calls() const { return calls_; }
  bool unlisted_ran() const { return unlisted_ran_; }

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context,
                                 const probe::EchoRequest* request,
                                 probe::EchoResponse* response) override;
  grpc::ServerUnaryReactor* Block(grpc::CallbackServerContext* context,
                                  const probe::BlockRequest* request,
                                  probe::BlockResponse* response) override;
  grpc::ServerWriteReactor<probe::CountResponse>* Count(
      grpc::CallbackServerContext* context, const probe::CountRequest* request) override;
  grpc::ServerReadReactor<probe::CollectRequest>* Collect(
      grpc::CallbackServerContext* context, probe::CollectResponse* response) override;
  grpc::ServerBidiReactor<probe::ChatRequest, probe::ChatResponse>* Chat(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Unlisted(grpc::CallbackServerContext* context,
                                     const probe::UnlistedRequest* request,
                                     probe::UnlistedResponse* response) override;

 private:
  class Blocked;

  const Authorizer* const authorizer_;
  DrainSignal* const drain_;
  std::atomic<int> calls_{0};
  std::atomic<int> failing_echoes_{0};
  std::atomic<bool> unlisted_ran_{false};
  std::atomic<bool> ignore_{false};
  absl::Mutex mutex_;
  std::vector<Blocked*> blocked_ ABSL_GUARDED_BY(mutex_);
  std::string blocked_peer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_TESTING_PROBE_SERVICE_H_
