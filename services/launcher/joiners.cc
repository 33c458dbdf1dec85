#include "services/launcher/joiners.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/files/joiner_message.h"
#include "libs/launch/low_fds.h"
#include "libs/launch/user_namespace.h"
#include "libs/os/memfd.h"
#include "services/joiner/joiner_program.h"

namespace cloister {
namespace {

// The executor keeps to fewer; this is for one that does not.
constexpr size_t kMostJoiners = 256;
constexpr int64_t kLongestMs = 24 * 3600 * 1000;
// To take away an unfinished file, once nobody hears it any more.
constexpr int64_t kLeaveMs = 1000;

// epoll carries serial * 2 + kind.
enum EventKind : uint64_t { kEnd = 0, kSocket = 1 };

int64_t MonotonicMs() {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

// Low numbers are those of the joiner itself.
absl::StatusOr<OwnedFd> MoveHigh(OwnedFd fd) {
  OwnedFd high(fcntl(fd.get(), F_DUPFD_CLOEXEC, launch::LowFds::first_foreign()));
  if (!high.valid()) return ErrnoStatus(errno, "descriptor for a joiner");
  return high;
}

void TellFailure(int socket, int step, int error) {
  const files::FrameHeader failed = {
      files::kFrameFailed, static_cast<uint32_t>(step), error, 0, 0, 0};
  // The executor may have gone; then there is nobody to tell.
  [[maybe_unused]] const ssize_t sent =
      send(socket, &failed, sizeof(failed), MSG_NOSIGNAL | MSG_DONTWAIT);
}

absl::Status Add(int epoll, int fd, uint64_t tag, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) return ErrnoStatus(errno, "watch a joiner");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Joiners>> Joiners::Make() {
  const absl::string_view bytes(reinterpret_cast<const char*>(kJoinerProgram), kJoinerProgramSize);
  // Execute-only, as init is: its process is not dumpable from the first instruction on.
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd memfd, MakeSealedMemfd("cloister-joiner", bytes, 0111));
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd program, MoveHigh(std::move(memfd)));
  OwnedFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return ErrnoStatus(errno, "epoll");
  return std::unique_ptr<Joiners>(new Joiners(std::move(program), std::move(epoll)));
}

absl::StatusOr<PidFd> Joiners::Spawn(const internal::Join& join, const std::vector<OwnedFd>& fds,
                                     absl::optional<supervise::RunningTask> running,
                                     int* step) const {
  launch::JoinerPlace place;
  place.program = program_.get();
  place.socket = fds[0].get();
  place.uid = join.identity().uid();
  place.gid = join.identity().gid();
  place.groups.assign(join.identity().groups().begin(), join.identity().groups().end());
  place.id_range = launch::HasIdRange(join.identity());
  if (!place.id_range) place.maps = launch::MapsOf(join.identity());
  OwnedFd user_namespace;
  cgroup::CgroupSlot slot;
  if (join.ended()) {
    if (fds.size() != 2 + static_cast<size_t>(join.directories_size())) {
      return absl::InvalidArgumentError("join came without its descriptors");
    }
    if (place.id_range) {
      CLOISTER_ASSIGN_OR_RETURN(user_namespace, launch::MakeTaskNamespace(join.identity()));
      CLOISTER_ASSIGN_OR_RETURN(user_namespace, MoveHigh(std::move(user_namespace)));
      place.user_namespace = user_namespace.get();
    }
    place.task_directory = fds[1].get();
    for (int i = 0; i < join.directories_size(); ++i) {
      for (int own = 0; own < files::kRemainingDirectories; ++own) {
        if (join.directories(i) == files::kOwnDirectoryNames[own]) {
          place.directories[own] = fds[static_cast<size_t>(2 + i)].get();
        }
      }
    }
  } else {
    *step = files::kStepNotRunning;
    if (!running.has_value()) return ErrnoStatus(ESRCH, "join");
    *step = files::kStepCgroup;
    CLOISTER_ASSIGN_OR_RETURN(slot, running->slot->Reopen());
    place.init = running->init;
    place.cgroup = slot.GetJoinFds();
  }
  *step = files::kStepStart;
  if (joiners_.size() >= kMostJoiners) return ErrnoStatus(EAGAIN, "join");
  return launch::SpawnJoiner(place);
}

absl::Status Joiners::Watch(uint64_t serial, const Joiner& joiner) const {
  CLOISTER_RETURN_IF_ERROR(Add(epoll_.get(), joiner.process.get(), serial * 2 + kEnd, EPOLLIN));
  // EPOLLHUP comes unasked.
  return Add(epoll_.get(), joiner.socket.get(), serial * 2 + kSocket, 0);
}

void Joiners::Start(const internal::Join& join, std::vector<OwnedFd> fds,
                    absl::optional<supervise::RunningTask> running) {
  if (fds.empty()) return;
  for (OwnedFd& fd : fds) {
    absl::StatusOr<OwnedFd> high = MoveHigh(std::move(fd));
    // The socket's end tells the executor.
    if (!high.ok()) return;
    fd = *std::move(high);
  }
  int step = files::kStepStart;
  absl::StatusOr<PidFd> process = Spawn(join, fds, running, &step);
  if (!process.ok()) {
    const int error = ErrnoOf(process.status());
    TellFailure(fds[0].get(), step, error != 0 ? error : EINVAL);
    return;
  }
  const uint64_t serial = next_serial_++;
  Joiner joiner;
  joiner.task_id = join.task_id();
  joiner.process = *std::move(process);
  joiner.socket = std::move(fds[0]);
  joiner.kill_at_ms =
      MonotonicMs() + std::min<int64_t>(std::max<int64_t>(join.time_ms(), 0), kLongestMs);
  if (!Watch(serial, joiner).ok()) {
    joiner.process.Signal(SIGKILL).IgnoreError();  // What nobody can watch must not run.
    joiner.process.WaitAndReap().IgnoreError();
    return;
  }
  joiners_.emplace(serial, std::move(joiner));
}

void Joiners::KillOf(const std::string& task_id) {
  for (auto& entry : joiners_) {
    if (entry.second.task_id != task_id) continue;
    entry.second.process.Signal(SIGKILL).IgnoreError();  // It may be on its way out.
  }
}

void Joiners::RunOnce() {
  constexpr int kEvents = 64;
  epoll_event events[kEvents];
  const int count = epoll_wait(epoll_.get(), events, kEvents, 0);
  for (int i = 0; i < count; ++i) {
    auto found = joiners_.find(events[i].data.u64 / 2);
    if (found == joiners_.end()) continue;
    Joiner& joiner = found->second;
    if (events[i].data.u64 % 2 == kSocket) {
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, joiner.socket.get(), nullptr);
      joiner.kill_at_ms = std::min(joiner.kill_at_ms, MonotonicMs() + kLeaveMs);
      continue;
    }
    absl::StatusOr<absl::optional<int>> status = joiner.process.Reap();
    if (!status.ok() || status->has_value()) joiners_.erase(found);
  }
  const int64_t now = MonotonicMs();
  for (auto& entry : joiners_) {
    if (entry.second.kill_at_ms > now) continue;
    entry.second.process.Signal(SIGKILL).IgnoreError();  // It may be on its way out.
    // Once: one that does not die of it is in the kernel's hands.
    entry.second.kill_at_ms = now + kLongestMs;
  }
}

int Joiners::MillisToNextKill() const {
  if (joiners_.empty()) return -1;
  int64_t next = INT64_MAX;
  for (const auto& entry : joiners_) next = std::min(next, entry.second.kill_at_ms);
  return static_cast<int>(std::min<int64_t>(std::max<int64_t>(next - MonotonicMs(), 0), 60000));
}

}  // namespace cloister
