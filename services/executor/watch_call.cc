#include "services/executor/watch_call.h"

#include <google/protobuf/util/time_util.h>

#include <utility>

#include "absl/time/time.h"
#include "libs/engine/engine_error.h"
#include "services/executor/failed_stream.h"
#include "services/executor/pump.h"

namespace cloister::executor {
namespace {

using Response = v1::WatchTasksResponse;

Response::Type TypeOf(const engine::TaskEvent& event) {
  switch (event.kind) {
    case engine::TaskEvent::Kind::kSnapshot:
      return Response::TYPE_SNAPSHOT;
    case engine::TaskEvent::Kind::kSynced:
      return Response::TYPE_SYNCED;
    case engine::TaskEvent::Kind::kChange:
      break;
  }
  switch (event.change) {
    case engine::TaskChange::kCreated:
      return Response::TYPE_CREATED;
    case engine::TaskChange::kProgress:
      return Response::TYPE_PROGRESS;
    case engine::TaskChange::kStarted:
      return Response::TYPE_STARTED;
    case engine::TaskChange::kStopping:
      return Response::TYPE_STOPPING;
    case engine::TaskChange::kEnded:
      return Response::TYPE_ENDED;
    case engine::TaskChange::kDestroyed:
      return Response::TYPE_DESTROYED;
  }
  return Response::TYPE_UNSPECIFIED;
}

absl::StatusOr<Pump<Response>::Poll> NextEvent(engine::TaskWatch& watch, Response* response) {
  engine::TaskEvent event;
  switch (watch.Next(&event)) {
    case engine::TaskWatch::Poll::kEvent:
      break;
    case engine::TaskWatch::Poll::kNothing:
      return Pump<Response>::Poll::kNothing;
    case engine::TaskWatch::Poll::kEnd:
      return Pump<Response>::Poll::kEnd;
    case engine::TaskWatch::Poll::kOverflow:
      return engine::EngineError(absl::StatusCode::kResourceExhausted, engine::kWatchOverflow,
                                 "the reader fell behind and changes are lost: watch anew");
  }
  response->set_type(TypeOf(event));
  if (event.task != nullptr) *response->mutable_task() = *event.task;
  *response->mutable_time() =
      google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(event.time));
  return Pump<Response>::Poll::kMessage;
}

}  // namespace

grpc::ServerWriteReactor<Response>* OpenWatchCall(engine::Engine* engine,
                                                  const std::string& task_id,
                                                  rpc::DrainSignal* drain) {
  auto pump = std::make_shared<Pump<Response>>();
  absl::StatusOr<std::shared_ptr<engine::TaskWatch>> watch =
      engine->Watch(task_id, [weak = std::weak_ptr<Pump<Response>>(pump)] {
        if (std::shared_ptr<Pump<Response>> pump = weak.lock()) pump->Move();
      });
  if (!watch.ok()) return new FailedStream<Response>(watch.status());
  Pump<Response>::Source source;
  source.next = [watch = *watch](Response* response) { return NextEvent(*watch, response); };
  source.close = [watch = *watch] { watch->Cancel(); };
  return pump->Open(std::move(source), drain);
}

}  // namespace cloister::executor
