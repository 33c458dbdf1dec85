#include "services/executor/put_file_call.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/field_violations.h"
#include "libs/base/random_id.h"
#include "libs/base/status_macros.h"
#include "libs/files/file_path.h"
#include "libs/rpc/status_conversion.h"
#include "services/executor/request_checks.h"

namespace cloister::executor {
namespace {

constexpr size_t kMaxDataBytes = 1 << 20;
constexpr size_t kPieceBytes = files::kMaxFrameBytes - sizeof(files::FrameHeader);

absl::Status CheckHeader(const v1::PutFileRequest::Header& header) {
  std::vector<FieldViolation> violations;
  if (header.task_id().empty()) violations.push_back({"header.task_id", "is empty"});
  files::CheckNewPath("header.path", header.path(), &violations);
  if (header.mode() > 0777) {
    violations.push_back({"header.mode", "must be permission bits, at most 0777"});
  }
  return InvalidArgument(violations);
}

absl::Status WrongOrder(absl::string_view what) {
  return InvalidArgument({{"part", std::string(what)}});
}

}  // namespace

PutFileCall* PutFileCall::Start(Open open, rpc::DrainSignal* drain, v1::PutFileResponse* response) {
  std::shared_ptr<PutFileCall> call(new PutFileCall(std::move(open), response));
  call->self_ = call;
  call->drain_ = drain->Subscribe([raw = call.get()] { raw->End(rpc::DrainSignal::Refusal()); });
  call->StartRead(&call->message_);
  return call.get();
}

void PutFileCall::OnReadDone(bool ok) {
  if (!ok) {
    // Also when the client is gone: what is not committed is not made.
    return End(WrongOrder("the stream ended without a commit: nothing was changed"));
  }
  Enter();
  if (const absl::Status taken = Take(); taken.ok()) {
    Move();
  } else {
    End(taken);
  }
  Leave();
}

absl::Status PutFileCall::Take() {
  sent_ = 0;
  switch (message_.part_case()) {
    case v1::PutFileRequest::kHeader:
      return TakeHeader();
    case v1::PutFileRequest::kData:
      if (state_ != State::kData) return WrongOrder("the header comes first, and once");
      if (message_.data().size() > kMaxDataBytes) {
        return InvalidArgument({{"data", "must be at most 1 MiB a message"}});
      }
      total_ += message_.data().size();
      return absl::OkStatus();
    case v1::PutFileRequest::kCommit:
      if (state_ != State::kData) return WrongOrder("the header comes first, and once");
      if (message_.commit().size() != total_) {
        return InvalidArgument(
            {{"commit.size", absl::StrCat("must be what was sent, ", total_, " bytes")}});
      }
      state_ = State::kCommitted;
      return absl::OkStatus();
    case v1::PutFileRequest::PART_NOT_SET:
      break;
  }
  return WrongOrder("must be header, data or commit");
}

absl::Status PutFileCall::TakeHeader() {
  if (state_ != State::kHeader) return WrongOrder("the header comes first, and once");
  CLOISTER_RETURN_IF_ERROR(CheckHeader(message_.header()));
  name_ = std::string(files::NameOf(message_.header().path()));
  // Weak: the line must not keep alive what keeps it.
  CLOISTER_ASSIGN_OR_RETURN(std::shared_ptr<JoinerLine> line,
                            open_(message_.header(), absl::StrCat(".cloister-", RandomId()),
                                  [weak = std::weak_ptr<PutFileCall>(self_)] {
                                    if (auto call = weak.lock()) call->Move();
                                  }));
  state_ = State::kOpening;
  absl::MutexLock lock(&mutex_);
  line_ = std::move(line);
  return absl::OkStatus();
}

void PutFileCall::Move() {
  Enter();
  const absl::StatusOr<bool> wanted = has_ended() ? false : Step();
  if (!wanted.ok()) {
    End(wanted.status());
  } else if (*wanted && !has_ended()) {
    StartRead(&message_);
  }
  Leave();
}

absl::StatusOr<bool> PutFileCall::SendRest() {
  JoinerLine* line;
  {
    absl::MutexLock lock(&mutex_);
    line = line_.get();
  }
  files::FrameHeader header = {};
  if (state_ == State::kCommitted) {
    if (commit_sent_) return true;
    header.kind = files::kFrameCommit;
    header.offset = total_;
    CLOISTER_ASSIGN_OR_RETURN(commit_sent_, line->Send(files::MakeFrame(header, "")));
    return commit_sent_;
  }
  header.kind = files::kFrameData;
  while (sent_ < message_.data().size()) {
    const absl::string_view piece = absl::string_view(message_.data()).substr(sent_, kPieceBytes);
    CLOISTER_ASSIGN_OR_RETURN(const bool taken, line->Send(files::MakeFrame(header, piece)));
    if (!taken) return false;
    sent_ += piece.size();
  }
  return true;
}

absl::StatusOr<bool> PutFileCall::Step() {
  std::shared_ptr<JoinerLine> line;
  {
    absl::MutexLock lock(&mutex_);
    line = line_;
  }
  while (true) {
    bool sent = true;
    if (state_ != State::kOpening) {
      const absl::StatusOr<bool> rest = SendRest();
      // A joiner that is gone has said why: below.
      sent = rest.ok() && *rest;
      if (sent && state_ == State::kData) return true;
    }
    CLOISTER_ASSIGN_OR_RETURN(const absl::optional<files::Frame> frame, line->Next(!sent));
    if (!frame.has_value()) return false;
    if (frame->header.kind == files::kFrameReady && state_ == State::kOpening) {
      state_ = State::kData;
      message_.Clear();
    } else if (frame->header.kind == files::kFrameInfo) {
      CLOISTER_ASSIGN_OR_RETURN(const std::vector<v1::FileInfo> entries,
                                files::ParseEntries(frame->body));
      if (entries.size() == 1) *response_->mutable_file() = entries[0];
      response_->mutable_file()->set_name(name_);
    } else if (frame->header.kind == files::kFrameEnd && state_ == State::kCommitted) {
      End(absl::OkStatus());
      return false;
    }
  }
}

void PutFileCall::Enter() {
  absl::MutexLock lock(&mutex_);
  ++inside_;
}

void PutFileCall::Leave() {
  absl::Status end;
  {
    absl::MutexLock lock(&mutex_);
    if (--inside_ > 0 || !end_.has_value() || finished_) return;
    finished_ = true;
    end = *end_;
  }
  Finish(rpc::ToGrpcStatus(end));
}

void PutFileCall::End(const absl::Status& status) {
  Enter();
  {
    absl::MutexLock lock(&mutex_);
    if (!end_.has_value()) end_ = status;
    if (line_ != nullptr) line_->Cancel();
  }
  Leave();
}

bool PutFileCall::has_ended() {
  absl::MutexLock lock(&mutex_);
  return end_.has_value();
}

void PutFileCall::OnCancel() { End(absl::CancelledError("the client has cancelled the call")); }

void PutFileCall::OnDone() {
  const std::shared_ptr<PutFileCall> self = std::move(self_);
  drain_ = rpc::DrainSignal::Subscription();
}

}  // namespace cloister::executor
