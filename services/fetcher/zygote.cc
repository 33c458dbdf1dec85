#include "services/fetcher/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/artifact/fetcher_wire.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/mount_calls.h"
#include "services/fetcher/call_filter.h"
#include "services/fetcher/spawn_confined.h"

namespace cloister::fetcher {
namespace {

constexpr int64_t kLongestMs = int64_t{24} * 3600 * 1000;

// The order of StartFetch's descriptors.
enum StartFd : size_t { kCellSocket, kBrokerSocket, kOutput, kFirstCgroup };

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

// Low numbers are those of the confined process.
absl::StatusOr<OwnedFd> MoveHigh(OwnedFd fd) {
  OwnedFd high(fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstForeignFd));
  if (!high.valid()) return ErrnoStatus(errno, "descriptor of a fetch");
  return high;
}

void TellFailedCell(const ConfineOutcome& outcome) {
  internal::CellEvent event;
  event.mutable_failed()->set_step(outcome.step);
  event.mutable_failed()->set_error_number(outcome.error_number);
  // The executor may have gone; then there is nobody to tell.
  SendPacket(outcome.executor, event.SerializeAsString()).IgnoreError();
}

void TellFailedBroker(const ConfineOutcome& outcome) {
  internal::BrokerEvent event;
  event.mutable_failed()->set_step(outcome.step);
  event.mutable_failed()->set_error_number(outcome.error_number);
  SendPacket(outcome.executor, event.SerializeAsString()).IgnoreError();
}

}  // namespace

Zygote::Zygote(OwnedFd control, Work work)
    : control_(std::move(control)),
      work_(work),
      landlock_abi_(LandlockAbi()),
      classic_mounts_(!HasMountCalls()),
      cell_filter_(MakeCellFilter()),
      program_cell_filter_(MakeProgramCellFilter()),
      broker_filter_(MakeBrokerFilter()) {}

absl::Status Zygote::SayHello() {
  CLOISTER_ASSIGN_OR_RETURN(const PidFd self, PidFd::Open(getpid()));
  self_ = PidFd(OwnedFd(fcntl(self.get(), F_DUPFD_CLOEXEC, kFirstForeignFd)));
  if (!self_.valid()) return ErrnoStatus(errno, "own pidfd");
  internal::FetcherEvent event;
  event.mutable_hello()->set_version(artifact::kFetcherWireVersion);
  event.mutable_hello()->set_landlock_abi(static_cast<uint32_t>(landlock_abi_));
  Tell(std::move(event));
  return absl::OkStatus();
}

absl::Status Zygote::Run() {
  CLOISTER_RETURN_IF_ERROR(SayHello());
  std::vector<pollfd> entries;
  for (;;) {
    const short wanted = static_cast<short>(POLLIN | (backlog_.empty() ? 0 : POLLOUT));
    entries.assign(1, {control_.get(), wanted, 0});
    for (const auto& entry : fetches_) {
      if (!entry.second.cell_reaped) entries.push_back({entry.second.cell.get(), POLLIN, 0});
      if (!entry.second.broker_reaped) entries.push_back({entry.second.broker.get(), POLLIN, 0});
    }
    if (poll(entries.data(), entries.size(), MillisToNextKill()) < 0 && errno != EINTR) {
      return ErrnoStatus(errno, "poll");
    }
    if (!backlog_.empty()) Flush();
    for (auto entry = fetches_.begin(); entry != fetches_.end();) {
      if (!Reap(&entry->second)) {
        ++entry;
        continue;
      }
      internal::FetcherEvent event;
      *event.mutable_ended() = std::move(entry->second.ended);
      entry = fetches_.erase(entry);
      Tell(std::move(event));
    }
    KillOverdue();
    // Cells and brokers end with this process.
    if (entries[0].revents != 0 && !ReadRequest()) return absl::OkStatus();
  }
}

bool Zygote::ReadRequest() {
  absl::StatusOr<Packet> packet = ReceivePacket(control_.get());
  if (absl::IsUnavailable(packet.status())) return true;
  internal::FetcherRequest request;
  if (!packet.ok() || !request.ParseFromString(packet->bytes)) return false;
  if (request.has_start()) Start(request.start(), std::move(packet->fds));
  if (request.has_cancel()) Cancel(request.cancel().id());
  return true;
}

absl::Status Zygote::Spawn(const internal::StartFetch& start, const std::vector<OwnedFd>& fds,
                           Fetch* fetch) {
  const size_t cgroups = start.cgroup_tasks() + (start.cgroup_v2() ? 1 : 0);
  if (fds.size() != kFirstCgroup + cgroups) {
    return absl::InvalidArgumentError("a fetch came without its descriptors");
  }
  CLOISTER_ASSIGN_OR_RETURN(auto pair, MakeSeqpacketPair());
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd cell_end, MoveHigh(std::move(pair.first)));
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd broker_end, MoveHigh(std::move(pair.second)));
  Confinement confinement;
  for (size_t i = 0; i < start.cgroup_tasks(); ++i) {
    confinement.joins.push_back(fds[kFirstCgroup + i].get());
  }
  const int cgroup = start.cgroup_v2() ? fds.back().get() : -1;
  confinement.zygote = self_.get();
  confinement.limits = start.limits();
  confinement.landlock_abi = landlock_abi_;
  confinement.classic_mounts = classic_mounts_;

  confinement.role = Confinement::Role::kBroker;
  confinement.executor = fds[kBrokerSocket].get();
  confinement.peer = broker_end.get();
  confinement.filter = &broker_filter_;
  CLOISTER_ASSIGN_OR_RETURN(
      fetch->broker, SpawnConfined(confinement, {start.broker_uid(), start.broker_gid()}, cgroup,
                                   work_.broker, TellFailedBroker));
  confinement.role =
      start.runs_programs() ? Confinement::Role::kProgramCell : Confinement::Role::kCell;
  confinement.executor = fds[kCellSocket].get();
  confinement.peer = cell_end.get();
  confinement.output = fds[kOutput].get();
  confinement.filter = start.runs_programs() ? &program_cell_filter_ : &cell_filter_;
  absl::StatusOr<PidFd> cell = SpawnConfined(confinement, {start.cell_uid(), start.cell_gid()},
                                             cgroup, work_.cell, TellFailedCell);
  if (cell.ok()) {
    fetch->cell = *std::move(cell);
    return absl::OkStatus();
  }
  fetch->broker.Signal(SIGKILL).IgnoreError();  // It may have ended.
  fetch->broker.WaitAndReap().status().IgnoreError();
  return cell.status();
}

void Zygote::Start(const internal::StartFetch& start, std::vector<OwnedFd> fds) {
  Fetch fetch;
  fetch.ended.set_id(start.id());
  absl::Status started;
  for (OwnedFd& fd : fds) {
    absl::StatusOr<OwnedFd> high = MoveHigh(std::move(fd));
    if (high.ok()) {
      fd = *std::move(high);
    } else {
      started = high.status();
    }
  }
  if (started.ok()) started = Spawn(start, fds, &fetch);
  if (!started.ok()) {
    internal::FetcherEvent event;
    const int error = ErrnoOf(started);
    fetch.ended.set_error_number(error != 0 ? error : EINVAL);
    fetch.ended.set_detail(std::string(started.message()));
    *event.mutable_ended() = std::move(fetch.ended);
    return Tell(std::move(event));
  }
  const int64_t time_ms = std::max<int64_t>(start.limits().time_ms(), 1);
  fetch.kill_at_ms = NowMs() + std::min(time_ms, kLongestMs);
  fetches_.emplace(start.id(), std::move(fetch));
}

void Zygote::Cancel(uint64_t id) {
  auto found = fetches_.find(id);
  if (found == fetches_.end()) return;
  found->second.ended.set_cancelled(true);
  found->second.cell.Signal(SIGKILL).IgnoreError();  // It may have ended.
}

void Zygote::KillOverdue() {
  const int64_t now = NowMs();
  for (auto& entry : fetches_) {
    if (entry.second.kill_at_ms > now) continue;
    if (!entry.second.cell_reaped) entry.second.ended.set_timed_out(true);
    entry.second.cell.Signal(SIGKILL).IgnoreError();  // It may be on its way out.
    // Once: one that does not die of it is in the kernel's hands.
    entry.second.kill_at_ms = now + kLongestMs;
  }
}

bool Zygote::Reap(Fetch* fetch) const {
  if (!fetch->cell_reaped) {
    const absl::StatusOr<absl::optional<int>> status = fetch->cell.Reap();
    if (status.ok() && !status->has_value()) return false;
    fetch->cell_reaped = true;
    if (status.ok()) fetch->ended.set_wait_status(**status);
    // Nobody is left for whom it could connect.
    fetch->broker.Signal(SIGKILL).IgnoreError();  // It may have ended.
  }
  if (!fetch->broker_reaped) {
    const absl::StatusOr<absl::optional<int>> status = fetch->broker.Reap();
    fetch->broker_reaped = !status.ok() || status->has_value();
  }
  return fetch->broker_reaped;
}

// Never waits: an executor that does not read is no reason to let a fetch run beyond its time.
void Zygote::Tell(internal::FetcherEvent event) {
  backlog_.push_back(event.SerializeAsString());
  if (backlog_.size() == 1) Flush();
}

void Zygote::Flush() {
  while (!backlog_.empty()) {
    if (absl::IsUnavailable(SendPacket(control_.get(), backlog_.front()))) return;
    // If it cannot be sent at all, the next read sees why.
    backlog_.pop_front();
  }
}

int Zygote::MillisToNextKill() const {
  if (fetches_.empty()) return -1;
  int64_t next = INT64_MAX;
  for (const auto& entry : fetches_) next = std::min(next, entry.second.kill_at_ms);
  return static_cast<int>(std::clamp<int64_t>(next - NowMs(), 0, 60000));
}

}  // namespace cloister::fetcher
