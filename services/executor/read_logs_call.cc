#include "services/executor/read_logs_call.h"

#include <memory>
#include <string>
#include <utility>

#include "libs/base/status_macros.h"
#include "services/executor/failed_stream.h"
#include "services/executor/pump.h"

namespace cloister::executor {
namespace {

using Response = v1::ReadLogsResponse;
using Poll = Pump<Response>::Poll;

absl::StatusOr<Poll> NextChunk(engine::LogReader& reader, Response* response) {
  uint64_t offset = 0;
  CLOISTER_ASSIGN_OR_RETURN(const engine::LogReader::Poll poll,
                            reader.Next(&offset, response->mutable_data()));
  response->set_offset(offset);
  switch (poll) {
    case engine::LogReader::Poll::kData:
      return Poll::kMessage;
    case engine::LogReader::Poll::kNothing:
      return Poll::kNothing;
    case engine::LogReader::Poll::kEnd:
      break;
  }
  return Poll::kEnd;
}

}  // namespace

grpc::ServerWriteReactor<Response>* OpenReadLogsCall(engine::Engine* engine,
                                                     const v1::ReadLogsRequest& request,
                                                     rpc::DrainSignal* drain) {
  const auto stream = request.stream() == v1::LOG_STREAM_STDERR ? engine::OutputStream::kStderr
                                                                : engine::OutputStream::kStdout;
  auto pump = std::make_shared<Pump<Response>>();
  absl::StatusOr<engine::OpenLog> log =
      engine->ReadLog(request.task_id(), stream, request.offset(), request.follow(),
                      [weak = std::weak_ptr<Pump<Response>>(pump)] {
                        if (std::shared_ptr<Pump<Response>> pump = weak.lock()) pump->Move();
                      });
  if (!log.ok()) return new FailedStream<Response>(log.status());
  Pump<Response>::Source source;
  source.next = [reader = log->reader](Response* response) { return NextChunk(*reader, response); };
  source.close = [engine, log = *log] { engine->CloseLog(log); };
  return pump->Open(std::move(source), drain);
}

}  // namespace cloister::executor
