#include "services/executor/frontend_session.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "libs/base/status_macros.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::executor {
namespace {

// Whatever a frontend asks for.
constexpr absl::Duration kMinHeartbeat = absl::Milliseconds(10);
constexpr absl::Duration kMaxHeartbeat = absl::Minutes(1);

}  // namespace

FrontendSession::Stream::Stream(FrontendSession* session,
                                std::shared_ptr<grpc::ChannelInterface> channel)
    : session_(session), stub_(v1::NodeSession::NewStub(std::move(channel))) {}

void FrontendSession::Stream::Begin() {
  stub_->async()->Join(&context, this);
  // Writes come from whoever has news, so the stream must not end by itself between two of them.
  // The failed read, which every end begins with, lets go.
  AddHold();
  StartRead(&incoming);
  StartWrite(&outgoing);
  StartCall();
}

FrontendSession::FrontendSession(std::shared_ptr<const NodeSessionOptions> options,
                                 std::string address, std::string incarnation, const Clock* clock)
    : options_(std::move(options)),
      address_(std::move(address)),
      incarnation_(std::move(incarnation)),
      clock_(clock),
      heartbeat_interval_(options_->heartbeat_interval),
      back_off_(options_->min_retry, options_->max_retry) {}

void FrontendSession::Start() { Connect(); }

void FrontendSession::Stop() {
  std::unique_ptr<Stream> done;
  absl::MutexLock lock(&mu_);
  stopping_ = true;
  timer_.reset();
  if (stream_ != nullptr) stream_->context.TryCancel();
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stream_ == nullptr && calling_ == 0;
  };
  mu_.Await(absl::Condition(&idle));
  done = std::move(done_stream_);
}

void FrontendSession::Update(const SharedTask& task) {
  absl::MutexLock lock(&mu_);
  // Without a session nothing is kept: the next one begins with a snapshot.
  if (state_ == State::kJoined) outbox_.Update(task);
}

void FrontendSession::Destroyed(absl::string_view task_id) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kJoined) outbox_.Destroyed(task_id);
}

void FrontendSession::Tell() {
  absl::MutexLock lock(&mu_);
  Pump(/*heartbeat=*/false);
}

void FrontendSession::Connect() {
  absl::Status opened;
  std::unique_ptr<Stream> done;
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    opened = OpenStream();
    if (opened.ok()) done = std::move(done_stream_);
    if (!opened.ok()) ConnectLater();
    ++calling_;
  }
  if (!opened.ok() && options_->on_lost) options_->on_lost(address_, opened);
  absl::MutexLock lock(&mu_);
  --calling_;
}

absl::Status FrontendSession::OpenStream() {
  CLOISTER_ASSIGN_OR_RETURN(auto channel, options_->dial(address_));
  state_ = State::kRegistering;
  writing_ = true;
  last_heard_ = clock_->Monotonic();
  outbox_ = SessionOutbox();
  stream_ = std::make_unique<Stream>(this, std::move(channel));
  v1::RegisterNode* node = stream_->outgoing.mutable_register_();
  *node->mutable_node() = options_->node;
  node->set_boot_id(options_->boot_id);
  node->set_incarnation(incarnation_);
  stream_->Begin();
  SetTimer(heartbeat_interval_);
  return absl::OkStatus();
}

void FrontendSession::ConnectLater() {
  state_ = State::kIdle;
  if (!stopping_) SetTimer(back_off_.Next());
}

void FrontendSession::OnRead(bool ok) {
  bool joined = false;
  {
    absl::MutexLock lock(&mu_);
    if (!ok) {
      state_ = State::kEnding;
      stream_->RemoveHold();
      return;
    }
    last_heard_ = clock_->Monotonic();
    TakeHeartbeatInterval();
    joined = state_ == State::kRegistering;
    if (!joined && !outbox_.Acknowledge(stream_->incoming.acked_sequence())) {
      stream_->context.TryCancel();
    }
  }
  if (joined) OnJoined();
  absl::MutexLock lock(&mu_);
  if (joined || behind_) Pump(/*heartbeat=*/false);
  stream_->StartRead(&stream_->incoming);
}

void FrontendSession::TakeHeartbeatInterval() {
  const absl::Duration told = absl::Milliseconds(stream_->incoming.heartbeat_interval_ms());
  const absl::Duration interval = std::clamp(told, kMinHeartbeat, kMaxHeartbeat);
  if (interval == heartbeat_interval_) return;
  heartbeat_interval_ = interval;
  // The timer that runs is of the old interval.
  if (!stopping_) SetTimer(interval);
}

void FrontendSession::OnJoined() {
  std::string frontend_id;
  {
    absl::MutexLock lock(&mu_);
    // Changes are kept from here on, before the snapshot is taken, so that none falls between.
    state_ = State::kJoined;
    back_off_.Reset();
    frontend_id = stream_->incoming.frontend_id();
    ++calling_;
  }
  if (options_->on_joined) options_->on_joined(address_, frontend_id);
  std::vector<SharedTask> tasks;
  for (v1::Task& task : options_->snapshot()) {
    tasks.push_back(std::make_shared<const v1::Task>(std::move(task)));
  }
  absl::MutexLock lock(&mu_);
  --calling_;
  outbox_.AddSnapshot(tasks);
}

void FrontendSession::OnWritten(bool ok) {
  absl::MutexLock lock(&mu_);
  writing_ = false;
  // A write that fails comes with a read that fails, which ends the stream.
  if (ok && behind_) Pump(/*heartbeat=*/false);
}

void FrontendSession::OnStreamDone(const grpc::Status& status) {
  const std::shared_ptr<FrontendSession> self = shared_from_this();
  {
    absl::MutexLock lock(&mu_);
    ++calling_;
  }
  if (options_->on_lost) options_->on_lost(address_, rpc::FromGrpcStatus(status));
  absl::MutexLock lock(&mu_);
  --calling_;
  done_stream_ = std::move(stream_);
  ConnectLater();
}

void FrontendSession::Pump(bool heartbeat) {
  if (state_ != State::kJoined) return;
  behind_ = outbox_.has_news();
  if (writing_) return;
  if (outbox_.overflowed()) {
    stream_->context.TryCancel();
    return;
  }
  absl::optional<v1::NodeStatus> status = outbox_.Next(heartbeat);
  if (!status.has_value()) return;
  behind_ = outbox_.has_news();
  *stream_->outgoing.mutable_status() = *std::move(status);
  writing_ = true;
  stream_->StartWrite(&stream_->outgoing);
}

void FrontendSession::SetTimer(absl::Duration delay) {
  const auto when = std::chrono::system_clock::now() + absl::ToChronoNanoseconds(delay);
  timer_ = std::make_unique<grpc::Alarm>();
  timer_->Set(when, [weak = weak_from_this()](bool expired) {
    const std::shared_ptr<FrontendSession> self = weak.lock();
    if (expired && self != nullptr) self->OnTimer();
  });
}

void FrontendSession::OnTimer() {
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    if (stream_ != nullptr) {
      Beat();
      return;
    }
  }
  Connect();
}

void FrontendSession::Beat() {
  if (clock_->Monotonic() - last_heard_ > 3 * heartbeat_interval_) {
    stream_->context.TryCancel();
  } else {
    Pump(/*heartbeat=*/true);
  }
  SetTimer(heartbeat_interval_);
}

}  // namespace cloister::executor
