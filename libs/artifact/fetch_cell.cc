#include "libs/artifact/fetch_cell.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/artifact/fetcher_wire.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/mount_calls.h"
#include "libs/os/seqpacket.h"

namespace cloister::artifact {
namespace {

// To die of what the zygote has sent it.
constexpr absl::Duration kGrace = absl::Seconds(20);
constexpr absl::Duration kKillPatience = absl::Seconds(2);
// What an earlier try may have left (Fetch).
constexpr char kRawFile[] = "raw";

absl::StatusOr<std::pair<OwnedFd, OwnedFd>> MakeSockets() {
  CLOISTER_ASSIGN_OR_RETURN(auto pair, MakeSeqpacketPair());
  // Ours alone.
  const int flags = fcntl(pair.first.get(), F_GETFL);
  if (flags < 0 || fcntl(pair.first.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, "O_NONBLOCK");
  }
  return pair;
}

}  // namespace

// Only what is in the directory is within the cell's reach: it gets a mount of it, as above a mount
// there is nothing.
absl::StatusOr<OwnedFd> FetchCell::PrepareOutput() const {
  OwnedFd directory(
      openat(job_.output.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!directory.valid()) return ErrnoStatus(errno, "output directory");
  struct stat raw;
  if (fstatat(directory.get(), kRawFile, &raw, AT_SYMLINK_NOFOLLOW) == 0) {
    // The link of a stranger's is not followed, a name of another file not given away.
    if (!S_ISREG(raw.st_mode) || raw.st_nlink != 1) {
      return absl::InvalidArgumentError("output directory: 'raw' is no plain file");
    }
    if (fchownat(directory.get(), kRawFile, ids_.cell_uid, ids_.cell_gid, AT_SYMLINK_NOFOLLOW) !=
        0) {
      return ErrnoStatus(errno, "output directory: owner of 'raw'");
    }
  }
  if (fchown(directory.get(), ids_.cell_uid, ids_.cell_gid) != 0 ||
      fchmod(directory.get(), 0700) != 0) {
    return ErrnoStatus(errno, "owner of the output directory");
  }
  // Then the cell binds it for itself.
  if (!HasMountCalls()) return directory;
  OwnedFd tree(open_tree(directory.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  if (!tree.valid()) return ErrnoStatus(errno, "mount of the output directory");
  return tree;
}

void FetchCell::ReturnOutput() const {
  const OwnedFd directory(
      openat(job_.output.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  // What cannot be taken back is seen when it is adopted.
  if (directory.valid()) {
    [[maybe_unused]] const int taken = fchown(directory.get(), geteuid(), getegid());
  }
}

absl::Status FetchCell::Start(const FetcherProcess& fetcher, const FetcherOptions& options,
                              int ca) {
  CLOISTER_RETURN_IF_ERROR(slot_.Limit(options.cgroup));
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd tree, PrepareOutput());
  CLOISTER_ASSIGN_OR_RETURN(auto cell, MakeSockets());
  CLOISTER_ASSIGN_OR_RETURN(auto broker, MakeSockets());
  const absl::Duration time =
      job_.time_limit > absl::ZeroDuration() ? job_.time_limit : options.time_limit;
  const cgroup::JoinFds joins = slot_.GetJoinFds();
  internal::FetcherRequest request;
  internal::StartFetch* start = request.mutable_start();
  start->set_id(id_);
  start->set_cell_uid(ids_.cell_uid);
  start->set_cell_gid(ids_.cell_gid);
  start->set_broker_uid(ids_.broker_uid);
  start->set_broker_gid(ids_.broker_gid);
  start->mutable_limits()->set_time_ms(absl::ToInt64Milliseconds(time));
  start->mutable_limits()->set_address_space_bytes(options.address_space_bytes);
  start->mutable_limits()->set_file_bytes(options.file_bytes);
  start->mutable_limits()->set_open_files(options.open_files);
  start->set_cgroup_tasks(static_cast<uint32_t>(joins.tasks.size()));
  start->set_cgroup_v2(joins.clone_into >= 0);
  start->set_runs_programs(job_.request.source.kind == SourceKind::kHg && options.allow_hg);
  std::vector<int> fds = {cell.second.get(), broker.second.get(), tree.get()};
  fds.insert(fds.end(), joins.tasks.begin(), joins.tasks.end());
  if (joins.clone_into >= 0) fds.push_back(joins.clone_into);
  // Before the fetcher has the sockets: what waits in them is the cell's and the broker's.
  job_.request.file_fd = job_.file.get();
  CLOISTER_RETURN_IF_ERROR(SendRequest(cell.first.get(), job_.request, ca));
  const BrokerOrders orders = {options.egress, options.connect, options.connections};
  CLOISTER_RETURN_IF_ERROR(SendOrders(broker.first.get(), orders));
  const absl::Status sent = fetcher.Send(request, fds);
  unsent_ = !sent.ok();
  if (unsent_) return sent;
  slot_.CloseJoinFds();
  cell_ = std::move(cell.first);
  broker_ = std::move(broker.first);
  end_.time_limit = time;
  end_.memory_limit = options.cgroup.granted().memory_bytes();
  overdue_ = absl::Now() + time + kGrace;
  listener_->OnStarted();
  return absl::OkStatus();
}

OwnedFd FetchCell::DuplicateOutput() const {
  return OwnedFd(fcntl(job_.output.get(), F_DUPFD_CLOEXEC, 0));
}

std::string FetchCell::ProcessesFile() const {
  const std::vector<cgroup::SlotDirectory> directories = slot_.directories();
  if (directories.empty()) return "";
  return absl::StrCat(directories.front().mount_point, "/", directories.front().path,
                      "/cgroup.procs");
}

void FetchCell::Deliver(const internal::CellEvent& event) {
  switch (event.event_case()) {
    case internal::CellEvent::kFailed:
      end_.cell_failed = event.failed();
      return;
    case internal::CellEvent::kDone:
      end_.done = event.done();
      return;
    case internal::CellEvent::kPhase: {
      const int phase = event.phase().phase();
      if (phase < 0 || phase > static_cast<int>(FetchObserver::Phase::kUnpack)) return;
      return listener_->OnPhase(static_cast<FetchObserver::Phase>(phase));
    }
    case internal::CellEvent::kProgress:
      return listener_->OnProgress(std::max<int64_t>(event.progress().bytes(), 0),
                                   std::max<int64_t>(event.progress().total(), -1));
    case internal::CellEvent::kValidators:
      return listener_->OnValidators(ValidatorsFromMessage(event.validators()));
    case internal::CellEvent::EVENT_NOT_SET:
      return;
  }
}

void FetchCell::ReadCell() {
  // So many at once, and no more: a cell that talks without end holds up nobody.
  for (int i = 0; i < 64 && cell_.valid(); ++i) {
    const absl::StatusOr<Packet> packet = ReceivePacket(cell_.get());
    if (absl::IsUnavailable(packet.status())) return;
    internal::CellEvent event;
    if (!packet.ok()) {
      cell_.reset();
    } else if (event.ParseFromString(packet->bytes)) {
      Deliver(event);
    }
  }
}

void FetchCell::ReadBroker() {
  const absl::StatusOr<Packet> packet = ReceivePacket(broker_.get());
  if (absl::IsUnavailable(packet.status())) return;
  internal::BrokerEvent event;
  if (!packet.ok()) {
    broker_.reset();
  } else if (event.ParseFromString(packet->bytes) && event.has_failed()) {
    end_.broker_failed = event.failed();
  }
}

void FetchCell::OnEnded(const internal::FetchEnded& ended) {
  // What it said before it ended is still on its way.
  for (int i = 0; i < 1024 && cell_.valid(); ++i) ReadCell();
  if (broker_.valid()) ReadBroker();
  end_.ended = ended;
  end_.cancelled |= ended.cancelled();
  ended_ = true;
}

bool FetchCell::HasEnded() const {
  // Their ends of the sockets are closed by their deaths alone.
  return ended_ || (end_.fetcher_died && !cell_.valid() && !broker_.valid());
}

void FetchCell::Finish() {
  slot_.Kill(kKillPatience).IgnoreError();  // They are dead: a second wall.
  const absl::StatusOr<cgroup::CgroupStats> stats = slot_.Stats();
  if (stats.ok()) end_.oom_kills = stats->oom_kills;
  ReturnOutput();
  listener_->OnDone(OutcomeOf(end_));
}

void FetchCell::Fail(const absl::Status& status) {
  ReturnOutput();
  listener_->OnDone(status);
}

}  // namespace cloister::artifact
