#include "libs/logs/log_pump.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libs/base/errno_status.h"

namespace cloister {
namespace logs {
namespace {

constexpr size_t kPieceBytes = 64 * 1024;
constexpr uint64_t kWakeId = 0;
// Pieces of one log before the others get their turn.
constexpr int kPiecesInARow = 4;

}  // namespace

struct LogPump::Log {
  absl::Mutex mutex;
  OwnedFd pipe ABSL_GUARDED_BY(mutex);
  OwnedFd writer ABSL_GUARDED_BY(mutex);
  OwnedFd file ABSL_GUARDED_BY(mutex);
  LogTotals totals ABSL_GUARDED_BY(mutex);

  // Moves one piece. False when there is none now, or never again.
  bool MovePiece() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
};

bool LogPump::Log::MovePiece() {
  static thread_local char piece[kPieceBytes];
  if (!pipe.valid()) return false;
  const ssize_t size = read(pipe.get(), piece, sizeof(piece));
  if (size < 0) return errno == EINTR;
  if (size == 0) {
    // Closing takes it out of the epoll set.
    pipe.reset();
    return false;
  }
  size_t done = 0;
  while (done < static_cast<size_t>(size)) {
    const ssize_t written = write(file.get(), piece + done, static_cast<size_t>(size) - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    done += static_cast<size_t>(written);
  }
  totals.written += done;
  totals.dropped += static_cast<size_t>(size) - done;
  return true;
}

absl::StatusOr<std::unique_ptr<LogPump>> LogPump::Start() {
  OwnedFd epoll(epoll_create1(EPOLL_CLOEXEC));
  OwnedFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll.valid() || !wake.valid()) return ErrnoStatus(errno, "log pump");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeId;
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0)
    return ErrnoStatus(errno, "log pump");
  std::unique_ptr<LogPump> pump(new LogPump(std::move(epoll), std::move(wake)));
  pump->thread_ = std::thread(&LogPump::Run, pump.get());
  return pump;
}

LogPump::~LogPump() {
  eventfd_write(wake_.get(), 1);
  thread_.join();
}

absl::StatusOr<uint64_t> LogPump::Add(OwnedFd pipe, OwnedFd writer, OwnedFd file) {
  auto log = std::make_shared<Log>();
  epoll_event event{};
  event.events = EPOLLIN;
  const int pipe_fd = pipe.get();
  uint64_t id;
  {
    absl::MutexLock lock(&log->mutex);
    log->pipe = std::move(pipe);
    log->writer = std::move(writer);
    log->file = std::move(file);
  }
  {
    absl::MutexLock lock(&mutex_);
    id = next_id_++;
    logs_.emplace(id, std::move(log));
  }
  event.data.u64 = id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, pipe_fd, &event) != 0) {
    absl::Status status = ErrnoStatus(errno, "log pump");
    Finish(id);
    return status;
  }
  return id;
}

std::shared_ptr<LogPump::Log> LogPump::Find(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  auto found = logs_.find(id);
  return found == logs_.end() ? nullptr : found->second;
}

LogTotals LogPump::Finish(uint64_t id) {
  std::shared_ptr<Log> log = Find(id);
  if (log == nullptr) return LogTotals();
  {
    absl::MutexLock lock(&mutex_);
    logs_.erase(id);
  }
  absl::MutexLock lock(&log->mutex);
  // Bounded by the pipe's capacity: nobody of the task is left to fill it.
  for (int pieces = 0; pieces < 64 && log->MovePiece(); ++pieces) {
  }
  log->pipe.reset();
  log->writer.reset();
  log->file.reset();
  return log->totals;
}

void LogPump::Run() {
  constexpr int kEvents = 64;
  epoll_event events[kEvents];
  for (;;) {
    const int count = epoll_wait(epoll_.get(), events, kEvents, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == kWakeId) return;
      std::shared_ptr<Log> log = Find(events[i].data.u64);
      if (log == nullptr) continue;
      absl::MutexLock lock(&log->mutex);
      for (int pieces = 0; pieces < kPiecesInARow && log->MovePiece(); ++pieces) {
      }
    }
  }
}

}  // namespace logs
}  // namespace cloister
