#include "libs/engine/log_follower.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"

namespace cloister::engine {

absl::StatusOr<std::unique_ptr<LogFollower>> LogFollower::Create() {
  OwnedFd inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.valid()) return ErrnoStatus(errno, "inotify_init1");
  OwnedFd wake(eventfd(0, EFD_CLOEXEC));
  if (!wake.valid()) return ErrnoStatus(errno, "eventfd");
  std::unique_ptr<LogFollower> follower(new LogFollower(std::move(inotify), std::move(wake)));
  follower->thread_ = std::thread([raw = follower.get()] { raw->Run(); });
  return follower;
}

LogFollower::LogFollower(OwnedFd inotify, OwnedFd wake)
    : inotify_(std::move(inotify)), wake_(std::move(wake)) {}

LogFollower::~LogFollower() {
  const uint64_t one = 1;
  // Cannot fail: the counter is at zero.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<LogFollower::Ticket> LogFollower::Follow(int file, std::function<void()> on_growth) {
  // By the descriptor, not by a path: the file that is read is the one that is followed.
  const std::string path = absl::StrCat("/proc/self/fd/", file);
  absl::MutexLock lock(&mutex_);
  // The same file gives the same watch again.
  const int watch = inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY);
  if (watch < 0) {
    if (errno == ENOSPC) {
      return absl::ResourceExhaustedError("follow output: fs.inotify.max_user_watches is reached");
    }
    return ErrnoStatus(errno, "follow output");
  }
  const Ticket ticket = {watch, next_number_++};
  followers_[watch].emplace(ticket.number,
                            std::make_shared<const std::function<void()>>(std::move(on_growth)));
  return ticket;
}

void LogFollower::Unfollow(const Ticket& ticket) {
  // Destroyed after the lock is released: what a callback owns may do anything in its destructor.
  Callback dropped;
  absl::MutexLock lock(&mutex_);
  auto watch = followers_.find(ticket.watch);
  if (watch == followers_.end()) return;
  auto follower = watch->second.find(ticket.number);
  if (follower == watch->second.end()) return;
  dropped = std::move(follower->second);
  watch->second.erase(follower);
  if (!watch->second.empty()) return;
  followers_.erase(watch);
  // Fails only where the kernel has removed it already, the file being gone.
  inotify_rm_watch(inotify_.get(), ticket.watch);
}

std::vector<LogFollower::Callback> LogFollower::CallbacksOf(int watch) const {
  std::vector<Callback> callbacks;
  auto it = watch == -1 ? followers_.begin() : followers_.find(watch);
  for (; it != followers_.end(); ++it) {
    for (const auto& follower : it->second) callbacks.push_back(follower.second);
    if (watch != -1) break;
  }
  return callbacks;
}

void LogFollower::Run() {
  alignas(inotify_event) char buffer[16 * 1024];
  while (true) {
    pollfd entries[] = {{wake_.get(), POLLIN, 0}, {inotify_.get(), POLLIN, 0}};
    if (poll(entries, 2, -1) < 0) continue;  // EINTR, or no memory for the moment.
    if (entries[0].revents != 0) return;
    const ssize_t size = read(inotify_.get(), buffer, sizeof(buffer));
    if (size > 0) HandleEvents(buffer, static_cast<size_t>(size));
  }
}

void LogFollower::HandleEvents(const char* bytes, size_t size) {
  for (size_t at = 0; at + sizeof(inotify_event) <= size;) {
    inotify_event event;
    std::memcpy(&event, bytes + at, sizeof(event));
    at += sizeof(event) + event.len;
    std::vector<Callback> callbacks;
    {
      absl::MutexLock lock(&mutex_);
      // An overflow (watch -1) lost events of anybody: all look again.
      if ((event.mask & (IN_MODIFY | IN_Q_OVERFLOW)) != 0) callbacks = CallbacksOf(event.wd);
    }
    for (const Callback& callback : callbacks) (*callback)();
  }
}

}  // namespace cloister::engine
