#include "services/executor/file_calls.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_macros.h"
#include "libs/files/file_error.h"
#include "libs/files/file_path.h"
#include "libs/files/joiner_frame.h"
#include "libs/rpc/deadline.h"
#include "libs/rpc/page_token.h"
#include "services/executor/failed_stream.h"
#include "services/executor/joiner_line.h"
#include "services/executor/pump.h"
#include "services/executor/put_file_call.h"
#include "services/executor/request_checks.h"
#include "services/executor/unary_call.h"

namespace cloister::executor {
namespace {

constexpr absl::Duration kLongestUnary = absl::Seconds(60);
constexpr absl::Duration kLongestStream = absl::Hours(1);
// Clients take 4 MiB at most unless told otherwise.
constexpr uint32_t kMaxPageBytes = 1 << 20;

absl::Duration TimeOf(const grpc::ServerContextBase& context, absl::Duration longest) {
  const absl::Time now = absl::Now();
  const absl::Duration left = rpc::CappedDeadline(rpc::CallDeadline(context), now, longest) - now;
  return std::max(left, absl::Milliseconds(1));
}

absl::Status CheckRequest(const std::string& task_id, const std::string& path) {
  std::vector<FieldViolation> violations;
  CheckTaskId(task_id, &violations);
  files::CheckPath("path", path, &violations);
  return InvalidArgument(violations);
}

// A call with one answer: gathers the joiner's entries, then fills the response.
template <typename Response>
class Gathering : public std::enable_shared_from_this<Gathering<Response>> {
 public:
  using Fill =
      std::function<void(std::vector<v1::FileInfo>, const files::FrameHeader& end, Response*)>;

  Gathering(std::shared_ptr<UnaryCall<Response>> call, Fill fill)
      : call_(std::move(call)), fill_(std::move(fill)) {}

  std::function<void()> OnReady() {
    return [weak = this->weak_from_this()] {
      if (std::shared_ptr<Gathering> gathering = weak.lock()) gathering->Move();
    };
  }

  // Before anything else of it; it is kept until the call is done.
  void Begin(std::shared_ptr<JoinerLine> line) {
    const std::shared_ptr<Gathering> self = this->shared_from_this();
    line_ = std::move(line);
    // Each holds the other until the call is done.
    call_->OnEnd([self] { self->line_->Cancel(); });
    Move();
  }

 private:
  void Move() {
    while (true) {
      absl::StatusOr<absl::optional<files::Frame>> frame = line_->Next();
      if (!frame.ok()) return call_->Fail(frame.status());
      if (!frame->has_value()) return;
      if ((*frame)->header.kind == files::kFrameEnd) {
        return call_->Answer(
            [&](Response* response) { fill_(std::move(entries_), (*frame)->header, response); });
      }
      absl::StatusOr<std::vector<v1::FileInfo>> entries = files::ParseEntries((*frame)->body);
      if (!entries.ok()) return call_->Fail(entries.status());
      std::move(entries->begin(), entries->end(), std::back_inserter(entries_));
    }
  }

  const std::shared_ptr<UnaryCall<Response>> call_;
  const Fill fill_;
  std::shared_ptr<JoinerLine> line_;
  std::vector<v1::FileInfo> entries_;
};

using ReadPoll = Pump<v1::ReadFileResponse>::Poll;

absl::StatusOr<ReadPoll> NextRead(JoinerLine* line, const std::string& path,
                                  v1::ReadFileResponse* response) {
  CLOISTER_ASSIGN_OR_RETURN(absl::optional<files::Frame> frame, line->Next());
  if (!frame.has_value()) return ReadPoll::kNothing;
  if (frame->header.kind == files::kFrameEnd) return ReadPoll::kEnd;
  if (frame->header.kind == files::kFrameInfo) {
    CLOISTER_ASSIGN_OR_RETURN(const std::vector<v1::FileInfo> entries,
                              files::ParseEntries(frame->body));
    if (entries.size() != 1) return absl::DataLossError("a joiner gave no file");
    *response->mutable_file() = entries[0];
    response->mutable_file()->set_name(std::string(files::NameOf(path)));
    return ReadPoll::kMessage;
  }
  response->set_offset(frame->header.offset);
  *response->mutable_data() = std::move(frame->body);
  return ReadPoll::kMessage;
}

}  // namespace

FileCalls::FileCalls(engine::Engine* engine, rpc::DrainSignal* drain)
    : engine_(engine), drain_(drain), loop_(files::ReadinessLoop::Create()) {}

grpc::ServerUnaryReactor* FileCalls::List(const grpc::CallbackServerContext& context,
                                          const std::string& principal,
                                          const v1::ListFilesRequest& request,
                                          v1::ListFilesResponse* response) {
  auto call = UnaryCall<v1::ListFilesResponse>::Open(response);
  call->EndAtDrain(drain_);
  const std::string query = rpc::PageQuery(request);
  auto gathering = std::make_shared<Gathering<v1::ListFilesResponse>>(
      call, [query, principal](std::vector<v1::FileInfo> entries, const files::FrameHeader& end,
                               v1::ListFilesResponse* response) {
        for (v1::FileInfo& entry : entries) *response->add_files() = std::move(entry);
        if (end.more == 0) return;
        response->set_next_page_token(
            rpc::MakePageToken(files::ListKey({end.offset, end.inode}), query, principal));
      });
  const auto open = [&]() -> absl::Status {
    CLOISTER_RETURN_IF_ERROR(loop_.status());
    CLOISTER_RETURN_IF_ERROR(CheckRequest(request.task_id(), request.path()));
    CLOISTER_ASSIGN_OR_RETURN(const size_t size, rpc::PageSize(request.page_size()));
    CLOISTER_ASSIGN_OR_RETURN(const std::string key,
                              rpc::ParsePageToken(request.page_token(), query, principal));
    CLOISTER_ASSIGN_OR_RETURN(const files::ListPosition position, files::ParseListKey(key));
    files::JoinerRequest ask = files::MakeRequest(files::kJoinerList, request.path());
    ask.max_entries = static_cast<uint32_t>(size);
    ask.max_bytes = kMaxPageBytes;
    ask.offset = position.offset;
    ask.directory_inode = position.inode;
    CLOISTER_ASSIGN_OR_RETURN(
        std::shared_ptr<JoinerLine> line,
        JoinerLine::Open(engine_, loop_->get(), request.task_id(), {"list", request.path()}, ask,
                         TimeOf(context, kLongestUnary), gathering->OnReady()));
    gathering->Begin(std::move(line));
    return absl::OkStatus();
  };
  if (const absl::Status opened = open(); !opened.ok()) call->Fail(opened);
  return call.get();
}

grpc::ServerUnaryReactor* FileCalls::Stat(const grpc::CallbackServerContext& context,
                                          const v1::StatFileRequest& request,
                                          v1::StatFileResponse* response) {
  auto call = UnaryCall<v1::StatFileResponse>::Open(response);
  call->EndAtDrain(drain_);
  auto gathering = std::make_shared<Gathering<v1::StatFileResponse>>(
      call, [path = request.path()](std::vector<v1::FileInfo> entries, const files::FrameHeader&,
                                    v1::StatFileResponse* response) {
        if (!entries.empty()) *response->mutable_file() = std::move(entries[0]);
        response->mutable_file()->set_name(std::string(files::NameOf(path)));
      });
  const auto open = [&]() -> absl::Status {
    CLOISTER_RETURN_IF_ERROR(loop_.status());
    CLOISTER_RETURN_IF_ERROR(CheckRequest(request.task_id(), request.path()));
    files::JoinerRequest ask = files::MakeRequest(files::kJoinerStat, request.path());
    ask.follow_link = request.follow_link() ? 1 : 0;
    CLOISTER_ASSIGN_OR_RETURN(
        std::shared_ptr<JoinerLine> line,
        JoinerLine::Open(engine_, loop_->get(), request.task_id(), {"stat", request.path()}, ask,
                         TimeOf(context, kLongestUnary), gathering->OnReady()));
    gathering->Begin(std::move(line));
    return absl::OkStatus();
  };
  if (const absl::Status opened = open(); !opened.ok()) call->Fail(opened);
  return call.get();
}

grpc::ServerWriteReactor<v1::ReadFileResponse>* FileCalls::Read(
    const grpc::CallbackServerContext& context, const v1::ReadFileRequest& request) {
  auto pump = std::make_shared<Pump<v1::ReadFileResponse>>();
  const auto open = [&]() -> absl::StatusOr<std::shared_ptr<JoinerLine>> {
    CLOISTER_RETURN_IF_ERROR(loop_.status());
    CLOISTER_RETURN_IF_ERROR(CheckRequest(request.task_id(), request.path()));
    files::JoinerRequest ask = files::MakeRequest(files::kJoinerRead, request.path());
    ask.offset = request.offset();
    ask.length = request.length();
    return JoinerLine::Open(engine_, loop_->get(), request.task_id(), {"read", request.path()}, ask,
                            TimeOf(context, kLongestStream),
                            [weak = std::weak_ptr<Pump<v1::ReadFileResponse>>(pump)] {
                              if (auto pump = weak.lock()) pump->Move();
                            });
  };
  absl::StatusOr<std::shared_ptr<JoinerLine>> line = open();
  if (!line.ok()) return new FailedStream<v1::ReadFileResponse>(line.status());
  Pump<v1::ReadFileResponse>::Source source;
  source.next = [line = *line, path = request.path()](v1::ReadFileResponse* response) {
    return NextRead(line.get(), path, response);
  };
  source.close = [line = *line] { line->Cancel(); };
  return pump->Open(std::move(source), drain_);
}

grpc::ServerReadReactor<v1::PutFileRequest>* FileCalls::Put(
    const grpc::CallbackServerContext& context, v1::PutFileResponse* response) {
  const absl::Duration time = TimeOf(context, kLongestStream);
  return PutFileCall::Start(
      [this, time](const v1::PutFileRequest::Header& header, const std::string& temporary,
                   std::function<void()> on_ready) -> absl::StatusOr<std::shared_ptr<JoinerLine>> {
        CLOISTER_RETURN_IF_ERROR(loop_.status());
        files::JoinerRequest ask = files::MakeRequest(files::kJoinerPut, header.path());
        ask.mode = header.mode() == 0 ? 0644 : header.mode();
        temporary.copy(ask.temporary, sizeof(ask.temporary) - 1);
        return JoinerLine::Open(engine_, loop_->get(), header.task_id(), {"put", header.path()},
                                ask, time, std::move(on_ready));
      },
      drain_, response);
}

}  // namespace cloister::executor
