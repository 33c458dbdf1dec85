#include "libs/rpc/health_service.h"

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "grpc/health/v1/health.pb.h"
#include "libs/base/error_reason.h"
#include "libs/rpc/status_conversion.h"
#include "libs/rpc/stream_writer.h"
#include "libs/rpc/utf8_text.h"

namespace cloister::rpc {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

// Changes that a watcher may be behind; one that is behind further is cut off.
constexpr size_t kMaxQueued = 16;

HealthCheckResponse MakeResponse(HealthCheckResponse::ServingStatus status) {
  HealthCheckResponse response;
  response.set_status(status);
  return response;
}

}  // namespace

std::vector<HealthService::Watcher> HealthService::Set(const std::string& service, Status status) {
  const auto [entry, added] = statuses_.emplace(service, status);
  if (!added && entry->second == status) return {};
  entry->second = status;
  std::vector<Watcher> told;
  for (const Watcher& watcher : watchers_[service]) {
    watcher->Enqueue(MakeResponse(status));
    told.push_back(watcher);
  }
  return told;
}

void HealthService::SetServing(const std::string& service, bool serving) {
  std::vector<Watcher> told;
  {
    absl::MutexLock lock(&mutex_);
    told = Set(service, serving && !stopped_ ? HealthCheckResponse::SERVING
                                             : HealthCheckResponse::NOT_SERVING);
  }
  for (const Watcher& watcher : told) watcher->Flush();
}

void HealthService::StopServing() {
  std::vector<Watcher> told;
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    for (auto& [service, status] : statuses_) {
      const std::vector<Watcher> some = Set(service, HealthCheckResponse::NOT_SERVING);
      told.insert(told.end(), some.begin(), some.end());
    }
  }
  for (const Watcher& watcher : told) watcher->Flush();
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::Status status;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = statuses_.find(request->service());
    if (found != statuses_.end()) {
      response->set_status(found->second);
    } else {
      status = WithReason(
          absl::NotFoundError(absl::StrCat("no service '", request->service(), "' is served here")),
          "SERVICE_UNKNOWN", {{"service", request->service()}});
    }
  }
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(
    grpc::CallbackServerContext*, const HealthCheckRequest* request) {
  const std::string service = request->service();
  // The stream itself is known only after its options: on_end finds it by what Open() returned.
  auto self = std::make_shared<const StreamWriter<Response>*>(nullptr);
  StreamOptions options;
  options.max_queued = kMaxQueued;
  options.on_end = [this, service, self] { Forget(service, *self); };
  Watcher watcher = StreamWriter<Response>::Open(drain_, std::move(options));
  *self = watcher.get();
  {
    absl::MutexLock lock(&mutex_);
    const auto found = statuses_.find(service);
    watcher->Enqueue(MakeResponse(found != statuses_.end() ? found->second
                                                           : HealthCheckResponse::SERVICE_UNKNOWN));
    watchers_[service].insert(watcher);
  }
  watcher->Flush();
  return watcher.get();
}

void HealthService::Forget(const std::string& service, const StreamWriter<Response>* watcher) {
  Watcher last;  // Destroyed after the lock.
  absl::MutexLock lock(&mutex_);
  const auto found = watchers_.find(service);
  if (found == watchers_.end()) return;
  for (auto it = found->second.begin(); it != found->second.end(); ++it) {
    if (it->get() != watcher) continue;
    last = *it;
    found->second.erase(it);
    break;
  }
  if (found->second.empty()) watchers_.erase(found);
}

}  // namespace cloister::rpc
