#include "services/executor/artifact_calls.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/artifact/retryable.h"
#include "libs/base/error_reason.h"
#include "libs/base/random_id.h"
#include "libs/base/status_macros.h"
#include "libs/engine/artifact_stager.h"
#include "libs/rpc/status_conversion.h"
#include "services/executor/request_checks.h"
#include "services/executor/unary_call.h"

namespace cloister::executor {
namespace {

constexpr size_t kMostListed = 1000;

google::protobuf::Timestamp ToProto(absl::Time time) {
  return google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

v1::CachedArtifact ToProto(const artifact::ObjectFacts& facts) {
  v1::CachedArtifact cached;
  cached.set_id(facts.id);
  *cached.mutable_digests() = {facts.digests.begin(), facts.digests.end()};
  cached.set_source(facts.source);
  cached.set_bytes(facts.tree.bytes);
  cached.set_files(facts.tree.files);
  cached.set_is_public(facts.is_public);
  *cached.mutable_create_time() = ToProto(facts.created);
  *cached.mutable_last_use_time() = ToProto(facts.last_used);
  cached.set_users(static_cast<int32_t>(facts.holders.size()));
  return cached;
}

bool IsOperator(const rpc::Principal& caller) {
  return caller.role() == rpc::Role::kAdmin || caller.role() == rpc::Role::kLocalOwner ||
         caller.role() == rpc::Role::kDev;
}

grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(rpc::ToGrpcStatus(status));
  return reactor;
}

absl::Status Failed(const engine::ArtifactOrder& order, const absl::Status& status) {
  const absl::StatusCode code = artifact::IsRetryable(status)
                                    ? absl::StatusCode::kUnavailable
                                    : absl::StatusCode::kFailedPrecondition;
  return WithReason(absl::Status(code, absl::StrCat(engine::ArtifactWords(0, order.plan), ": ",
                                                    status.message())),
                    "ARTIFACT_FAILED");
}

}  // namespace

ArtifactCalls::ArtifactCalls(std::string node_id, NodeArtifactParts parts,
                             const engine::Engine* engine, rpc::DrainSignal* drain)
    : node_id_(std::move(node_id)), parts_(parts), engine_(engine), drain_(drain) {}

ArtifactCalls::~ArtifactCalls() {
  std::list<std::shared_ptr<Work>> works;
  {
    absl::MutexLock lock(&mutex_);
    works.swap(works_);
  }
  for (const auto& work : works) work->cancellation->Cancel();
  for (const auto& work : works) work->thread.join();
}

absl::Status ArtifactCalls::CheckHere(const std::string& node_id) const {
  CLOISTER_RETURN_IF_ERROR(CheckNode(node_id, node_id_));
  if (parts_.cache != nullptr) return absl::OkStatus();
  return WithReason(absl::FailedPreconditionError("this node fetches no artifacts"),
                    "ARTIFACT_SOURCE_NOT_ALLOWED");
}

absl::Status ArtifactCalls::List(const rpc::Principal& caller,
                                 const v1::ListArtifactsRequest& request,
                                 v1::ListArtifactsResponse* response) const {
  CLOISTER_RETURN_IF_ERROR(CheckHere(request.node_id()));
  response->set_node_id(node_id_);
  const std::string tenant = caller.ToString();
  for (const artifact::ObjectFacts& facts : parts_.cache->List()) {
    if (!facts.is_public && facts.tenant != tenant && !IsOperator(caller)) continue;
    if (static_cast<size_t>(response->artifacts_size()) == kMostListed) break;
    *response->add_artifacts() = ToProto(facts);
  }
  return absl::OkStatus();
}

absl::Status ArtifactCalls::Prune(const v1::PruneArtifactsRequest& request,
                                  v1::PruneArtifactsResponse* response) const {
  CLOISTER_RETURN_IF_ERROR(CheckHere(request.node_id()));
  response->set_node_id(node_id_);
  CLOISTER_ASSIGN_OR_RETURN(const artifact::EvictReport report, parts_.cache->Prune());
  response->set_artifacts(report.objects);
  response->set_bytes(report.bytes);
  return absl::OkStatus();
}

absl::StatusOr<engine::ArtifactOrder> ArtifactCalls::MakeOrder(
    const rpc::Principal& caller, const v1::FetchArtifactRequest& request) const {
  CLOISTER_RETURN_IF_ERROR(CheckHere(request.node_id()));
  // What a task would have to say, so that the same is checked.
  v1::TaskConfig config;
  config.mutable_config()->set_command("/bin/true");
  *config.add_artifacts() = request.artifact();
  CLOISTER_ASSIGN_OR_RETURN(const internal::LaunchPlan plan, engine_->Plan(config));
  engine::ArtifactOrder order;
  order.plan = plan.artifacts(0);
  order.tenant = caller.ToString();
  order.task_id = absl::StrCat("fetch ", RandomId());
  return order;
}

void ArtifactCalls::Reap() {
  works_.remove_if([](const std::shared_ptr<Work>& work) {
    if (work->done) work->thread.join();
    return work->done;
  });
}

absl::Status ArtifactCalls::CheckRoom(const std::string& tenant) const {
  if (works_.size() >= parts_.most_fetches) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "this node has ", works_.size(), " fetches that callers wait for, which is the most"));
  }
  const auto is_same = [&tenant](const auto& work) { return work->tenant == tenant; };
  const auto same = std::count_if(works_.begin(), works_.end(), is_same);
  if (static_cast<size_t>(same) < std::max<size_t>(1, parts_.most_fetches * 3 / 4)) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      "this node has ", same, " fetches that this caller waits for, which is the most of one"));
}

grpc::ServerUnaryReactor* ArtifactCalls::Fetch(grpc::CallbackServerContext* context,
                                               const rpc::Principal& caller,
                                               const v1::FetchArtifactRequest& request,
                                               v1::FetchArtifactResponse* response) {
  absl::StatusOr<engine::ArtifactOrder> order = MakeOrder(caller, request);
  if (!order.ok()) return Answer(context, order.status());
  auto work = std::make_shared<Work>();
  work->tenant = order->tenant;
  work->cancellation = std::make_shared<engine::Cancellation>();
  absl::MutexLock lock(&mutex_);
  Reap();
  if (absl::Status room = CheckRoom(order->tenant); !room.ok()) return Answer(context, room);
  const auto call = UnaryCall<v1::FetchArtifactResponse>::Open(response);
  call->EndAtDrain(drain_);
  call->OnEnd([cancellation = work->cancellation] { cancellation->Cancel(); });
  work->thread = std::thread([this, call, work, order = *std::move(order)] {
    const absl::StatusOr<engine::ProvidedArtifact> provided = parts_.provider->Provide(
        order, [](const v1::ArtifactStatus&) {}, *work->cancellation);
    parts_.provider->Release(order.task_id);
    if (provided.ok()) {
      call->Answer([&](v1::FetchArtifactResponse* response) {
        response->set_node_id(node_id_);
        *response->mutable_artifact() = provided->status;
      });
    } else {
      call->Fail(Failed(order, provided.status()));
    }
    absl::MutexLock lock(&mutex_);
    work->done = true;
  });
  works_.push_back(std::move(work));
  return call.get();
}

}  // namespace cloister::executor
