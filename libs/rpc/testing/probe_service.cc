#include "libs/rpc/testing/probe_service.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/status_conversion.h"
#include "libs/rpc/stream_writer.h"

namespace cloister::rpc {

MethodTable ProbeMethodTable(RoleSet callers) {
  constexpr RoleSet kEverybody = {Role::kAdmin,      Role::kClient,    Role::kFrontend, Role::kNode,
                                  Role::kLocalOwner, Role::kLocalUser, Role::kDev};
  MethodTable table;
  for (const char* method : {"Echo", "Block", "Count", "Collect", "Chat"}) {
    table.rules.push_back({absl::StrCat("/cloister.probe.ProbeService/", method),
                           callers,
                           {Role::kClient, Role::kLocalUser}});
  }
  for (const char* method : {"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
                             "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                             "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
    table.rules.push_back({method, kEverybody, {}});
  }
  table.forwarders = {Role::kFrontend, Role::kLocalOwner, Role::kDev};
  return table;
}

class ProbeService::Blocked : public grpc::ServerUnaryReactor {
 public:
  Blocked(ProbeService* service, DrainSignal* drain) : service_(service) {
    if (drain != nullptr) {
      drain_ = drain->Subscribe([this] { End(ToGrpcStatus(DrainSignal::Refusal())); });
    }
  }
  void OnCancel() override {
    if (!service_->ignore_) End(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    {
      absl::MutexLock lock(&service_->mutex_);
      auto& all = service_->blocked_;
      all.erase(std::find(all.begin(), all.end(), this));
    }
    delete this;
  }
  void End(const grpc::Status& status) {
    if (!ended_.exchange(true)) Finish(status);
  }

 private:
  ProbeService* const service_;
  std::atomic<bool> ended_{false};
  DrainSignal::Subscription drain_;
};

void ProbeService::AwaitBlocked(size_t count) {
  absl::MutexLock lock(&mutex_);
  const auto reached = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return blocked_.size() >= count;
  };
  mutex_.Await(absl::Condition(&reached));
}

void ProbeService::AwaitUnblocked() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](std::vector<Blocked*>* blocked) { return blocked->empty(); }, &blocked_));
}

void ProbeService::Release() {
  std::vector<Blocked*> blocked;
  {
    absl::MutexLock lock(&mutex_);
    blocked = blocked_;
  }
  for (Blocked* call : blocked) call->End(grpc::Status::OK);
}

std::string ProbeService::blocked_peer() {
  absl::MutexLock lock(&mutex_);
  return blocked_peer_;
}

grpc::ServerUnaryReactor* ProbeService::Echo(grpc::CallbackServerContext* context,
                                             const probe::EchoRequest* request,
                                             probe::EchoResponse* response) {
  ++calls_;
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::StatusOr<CallIdentity> identity = authorizer_->Identify(*context);
  if (identity.ok()) {
    response->set_text(request->text());
    response->set_caller(identity->caller.ToString());
    response->set_principal(identity->principal.ToString());
    response->set_peer(context->peer());
  }
  if (failing_echoes_ > 0) {
    --failing_echoes_;
    reactor->Finish(ToGrpcStatus(absl::UnavailableError("as asked for")));
  } else {
    reactor->Finish(ToGrpcStatus(identity.status()));
  }
  return reactor;
}

grpc::ServerUnaryReactor* ProbeService::Block(grpc::CallbackServerContext* context,
                                              const probe::BlockRequest*, probe::BlockResponse*) {
  ++calls_;
  auto* call = new Blocked(this, ignore_ ? nullptr : drain_);
  absl::MutexLock lock(&mutex_);
  blocked_.push_back(call);
  blocked_peer_ = context->peer();
  return call;
}

grpc::ServerWriteReactor<probe::CountResponse>* ProbeService::Count(
    grpc::CallbackServerContext*, const probe::CountRequest* request) {
  ++calls_;
  StreamOptions options;
  options.max_queued = 1 << 20;
  auto stream = StreamWriter<probe::CountResponse>::Open(drain_, std::move(options));
  for (int i = 1; i <= std::abs(request->count()); ++i) {
    probe::CountResponse response;
    response.set_number(i);
    stream->Push(std::move(response));
  }
  if (request->count() > 0) stream->Close(absl::OkStatus());
  return stream.get();
}

grpc::ServerReadReactor<probe::CollectRequest>* ProbeService::Collect(
    grpc::CallbackServerContext*, probe::CollectResponse* response) {
  ++calls_;
  class Reactor : public grpc::ServerReadReactor<probe::CollectRequest> {
   public:
    explicit Reactor(probe::CollectResponse* response) : response_(response) {
      StartRead(&request_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status::OK);
      response_->set_count(response_->count() + 1);
      StartRead(&request_);
    }
    void OnDone() override { delete this; }

   private:
    probe::CollectRequest request_;
    probe::CollectResponse* const response_;
  };
  return new Reactor(response);
}

grpc::ServerBidiReactor<probe::ChatRequest, probe::ChatResponse>* ProbeService::Chat(
    grpc::CallbackServerContext*) {
  ++calls_;
  class Reactor : public grpc::ServerBidiReactor<probe::ChatRequest, probe::ChatResponse> {
   public:
    Reactor() { StartRead(&request_); }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status::OK);
      response_.set_text(request_.text());
      StartWrite(&response_);
    }
    void OnWriteDone(bool ok) override {
      if (!ok) return Finish(grpc::Status::CANCELLED);
      StartRead(&request_);
    }
    void OnDone() override { delete this; }

   private:
    probe::ChatRequest request_;
    probe::ChatResponse response_;
  };
  return new Reactor;
}

grpc::ServerUnaryReactor* ProbeService::Unlisted(grpc::CallbackServerContext* context,
                                                 const probe::UnlistedRequest*,
                                                 probe::UnlistedResponse*) {
  ++calls_;
  unlisted_ran_ = true;
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace cloister::rpc
