#include "libs/files/readiness_loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <utility>

#include "libs/base/errno_status.h"

namespace cloister::files {
namespace {

constexpr uint64_t kWake = 0;

}  // namespace

absl::StatusOr<std::unique_ptr<ReadinessLoop>> ReadinessLoop::Create() {
  OwnedFd epoll(epoll_create1(EPOLL_CLOEXEC));
  OwnedFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll.valid() || !wake.valid()) return ErrnoStatus(errno, "epoll");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWake;
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return ErrnoStatus(errno, "epoll");
  }
  return std::unique_ptr<ReadinessLoop>(new ReadinessLoop(std::move(epoll), std::move(wake)));
}

ReadinessLoop::ReadinessLoop(OwnedFd epoll, OwnedFd wake)
    : epoll_(std::move(epoll)), wake_(std::move(wake)), thread_([this] { Run(); }) {}

ReadinessLoop::~ReadinessLoop() {
  eventfd_write(wake_.get(), 1);
  thread_.join();
}

uint64_t ReadinessLoop::Add(int fd, std::function<void()> on_ready) {
  absl::MutexLock lock(&mutex_);
  const uint64_t watch = next_++;
  watches_[watch] = {fd, /*known=*/false, std::move(on_ready)};
  return watch;
}

void ReadinessLoop::Arm(uint64_t watch, bool to_write) {
  absl::MutexLock lock(&mutex_);
  auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  epoll_event event{};
  event.events = EPOLLONESHOT | EPOLLIN | (to_write ? static_cast<uint32_t>(EPOLLOUT) : 0U);
  event.data.u64 = watch;
  // Known to the kernel only from now on: it tells of a hang-up without being asked.
  epoll_ctl(epoll_.get(), found->second.known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, found->second.fd,
            &event);
  found->second.known = true;
}

void ReadinessLoop::Remove(uint64_t watch) {
  absl::MutexLock lock(&mutex_);
  auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  if (found->second.known) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd, nullptr);
  watches_.erase(found);
}

void ReadinessLoop::Run() {
  constexpr int kEvents = 64;
  epoll_event events[kEvents];
  for (;;) {
    const int count = epoll_wait(epoll_.get(), events, kEvents, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == kWake) return;
      std::function<void()> on_ready;
      {
        absl::MutexLock lock(&mutex_);
        auto found = watches_.find(events[i].data.u64);
        if (found == watches_.end()) continue;
        on_ready = found->second.on_ready;
      }
      on_ready();
    }
  }
}

}  // namespace cloister::files
