// grpc.health.v1: whether this server, or one of its services, wants calls.
//
// Ours and not gRPC's own, which goes round the authorizer and keeps Watch streams open while the
// server drains, so that each shutdown would last until its deadline.

#ifndef CLOISTER_LIBS_RPC_HEALTH_SERVICE_H_
#define CLOISTER_LIBS_RPC_HEALTH_SERVICE_H_

#include <grpcpp/support/server_callback.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/stream_writer.h"

namespace cloister::rpc {

// Thread-safe.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // `drain` ends the watches; it outlives this.
  explicit HealthService(DrainSignal* drain) : drain_(drain) {}

  // Says whether a service (its full name; "" is the server as a whole) serves, and tells whoever
  // watches it. A service that was never set is unknown.
  void SetServing(const std::string& service, bool serving);

  // All known services are NOT_SERVING from now on, whatever is set later. Before the drain signal
  // fires, so that watchers learn it as their last message.
  void StopServing();

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context,
      const grpc::health::v1::HealthCheckRequest* request) override;

 private:
  using Response = grpc::health::v1::HealthCheckResponse;
  using Status = Response::ServingStatus;
  using Watcher = std::shared_ptr<StreamWriter<Response>>;

  // Queues the news for each watcher; they are to be flushed without the lock.
  std::vector<Watcher> Set(const std::string& service, Status status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(const std::string& service, const StreamWriter<Response>* watcher);

  DrainSignal* const drain_;
  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Status> statuses_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::set<Watcher>> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_HEALTH_SERVICE_H_
