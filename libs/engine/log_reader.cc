#include "libs/engine/log_reader.h"

#include <errno.h>
#include <unistd.h>

#include <utility>

#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister::engine {

LogReader::LogReader(Open open, uint64_t offset, LogFollower* follower,
                     std::function<void()> on_ready)
    : open_(std::move(open)),
      follower_(follower),
      on_ready_(std::move(on_ready)),
      offset_(offset) {}

LogReader::~LogReader() { Cancel(); }

void LogReader::Cancel() {
  absl::optional<LogFollower::Ticket> ticket;
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    ticket.swap(ticket_);
  }
  if (ticket.has_value()) follower_->Unfollow(*ticket);
}

void LogReader::Look() { Wake(/*ended=*/false); }

void LogReader::OutputEnded() { Wake(/*ended=*/true); }

void LogReader::Wake(bool ended) {
  {
    absl::MutexLock lock(&mutex_);
    stirred_ = true;
    ended_ |= ended;
    if (!std::exchange(armed_, false) || cancelled_) return;
  }
  on_ready_();
}

absl::Status LogReader::OpenFile() {
  CLOISTER_ASSIGN_OR_RETURN(file_, open_());
  if (follower_ == nullptr) return absl::OkStatus();
  // Weak: the follower must not keep alive a reader that nobody reads.
  auto followed = follower_->Follow(file_.get(), [weak = weak_from_this()] {
    if (std::shared_ptr<LogReader> self = weak.lock()) self->Look();
  });
  if (!followed.ok()) return followed.status();
  absl::MutexLock lock(&mutex_);
  ticket_ = *followed;
  return absl::OkStatus();
}

absl::StatusOr<std::string> LogReader::Read() {
  std::string data(kMaxLogChunkBytes, '\0');
  ssize_t size;
  do {
    size = pread(file_.get(), data.data(), data.size(), static_cast<off_t>(offset_));
  } while (size < 0 && errno == EINTR);
  if (size < 0) return ErrnoStatus(errno, "read output");
  data.resize(static_cast<size_t>(size));
  return data;
}

absl::StatusOr<LogReader::Poll> LogReader::Next(uint64_t* offset, std::string* data) {
  while (true) {
    bool ended;
    {
      absl::MutexLock lock(&mutex_);
      if (cancelled_) return Poll::kEnd;
      stirred_ = false;
      // As of before the read: what was written until the end is then seen by it.
      ended = ended_;
    }
    if (!file_.valid()) {
      const absl::Status opened = OpenFile();
      if (!opened.ok() && !absl::IsNotFound(opened)) return opened;
    }
    if (file_.valid()) {
      CLOISTER_ASSIGN_OR_RETURN(*data, Read());
      if (!data->empty()) {
        *offset = offset_;
        offset_ += data->size();
        return Poll::kData;
      }
    }
    if (ended || follower_ == nullptr) return Poll::kEnd;
    absl::MutexLock lock(&mutex_);
    if (stirred_) continue;
    armed_ = true;
    return Poll::kNothing;
  }
}

}  // namespace cloister::engine
