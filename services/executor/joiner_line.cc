#include "services/executor/joiner_line.h"

#include <sys/socket.h>

#include <utility>

#include "absl/time/clock.h"
#include "libs/base/status_macros.h"
#include "libs/files/file_error.h"
#include "libs/os/seqpacket.h"

namespace cloister::executor {

absl::StatusOr<std::shared_ptr<JoinerLine>> JoinerLine::Open(
    engine::Engine* engine, files::ReadinessLoop* loop, const std::string& task_id, Subject subject,
    const files::JoinerRequest& request, absl::Duration time, std::function<void()> on_ready) {
  const absl::Time deadline = absl::Now() + time;
  CLOISTER_ASSIGN_OR_RETURN(engine::JoinedTask joined, engine->JoinTask(task_id, time));
  std::shared_ptr<JoinerLine> line(
      new JoinerLine(std::move(joined), std::move(subject), deadline, loop, std::move(on_ready)));
  // There is room for a first message. That its reader has failed already is told by Next.
  const absl::StatusOr<bool> sent = line->Send(files::BytesOf(request));
  if (!sent.ok() && !absl::IsFailedPrecondition(sent.status())) return sent.status();
  return line;
}

JoinerLine::JoinerLine(engine::JoinedTask joined, Subject subject, absl::Time deadline,
                       files::ReadinessLoop* loop, std::function<void()> on_ready)
    : joined_(std::move(joined)),
      subject_(std::move(subject)),
      deadline_(deadline),
      loop_(loop),
      watch_(loop_->Add(joined_.socket.get(), std::move(on_ready))) {}

JoinerLine::~JoinerLine() { loop_->Remove(watch_); }

absl::StatusOr<absl::optional<files::Frame>> JoinerLine::Peek() {
  absl::StatusOr<Packet> packet = ReceivePacket(joined_.socket.get());
  // The kernel tells first that the other end has gone with our words unread, and then what it had
  // said.
  if (absl::IsOutOfRange(packet.status())) packet = ReceivePacket(joined_.socket.get());
  if (absl::IsUnavailable(packet.status())) return absl::optional<files::Frame>();
  if (absl::IsOutOfRange(packet.status())) {
    return files::JoinerGone(subject_.verb, subject_.path, absl::Now() >= deadline_);
  }
  CLOISTER_RETURN_IF_ERROR(packet.status());
  CLOISTER_ASSIGN_OR_RETURN(files::Frame frame, files::ParseFrame(std::move(packet->bytes)));
  if (frame.header.kind == files::kFrameFailed) {
    return files::FileError(subject_.verb, subject_.path, frame.header.step, frame.header.error);
  }
  return absl::optional<files::Frame>(std::move(frame));
}

absl::StatusOr<absl::optional<files::Frame>> JoinerLine::Next(bool or_room) {
  CLOISTER_ASSIGN_OR_RETURN(absl::optional<files::Frame> frame, Peek());
  if (!frame.has_value()) loop_->Arm(watch_, or_room);
  return frame;
}

absl::StatusOr<bool> JoinerLine::Send(absl::string_view bytes) {
  const absl::Status sent = SendPacket(joined_.socket.get(), bytes);
  if (absl::IsUnavailable(sent)) return false;
  CLOISTER_RETURN_IF_ERROR(sent);
  return true;
}

void JoinerLine::Cancel() { shutdown(joined_.socket.get(), SHUT_RDWR); }

}  // namespace cloister::executor
