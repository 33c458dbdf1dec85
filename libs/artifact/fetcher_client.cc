#include "libs/artifact/fetcher_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <fstream>
#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "libs/artifact/fetch_cell.h"
#include "libs/artifact/fetcher_process.h"
#include "libs/artifact/hg_program.h"
#include "libs/artifact/output_watch.h"
#include "libs/artifact/retryable.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/slot_parents.h"
#include "libs/cgroup/slot_pool.h"
#include "libs/cgroup/slot_sweep.h"
#include "libs/os/memfd.h"

namespace cloister::artifact {
namespace {

// It loads its libraries within milliseconds; on a machine that is starved it takes longer.
constexpr absl::Duration kStartPatience = absl::Seconds(20);
constexpr absl::Duration kSweepPatience = absl::Seconds(5);
// Between two starts of a fetcher that keeps dying.
constexpr absl::Duration kRestartPause = absl::Milliseconds(200);
constexpr absl::Duration kFullSocketPause = absl::Milliseconds(10);
// For cells to die of their fetcher's death, when this process ends.
constexpr absl::Duration kEndPatience = absl::Seconds(10);
// Made ahead: what a fetch would wait for.
constexpr size_t kReadySlots = 2;

// True in the node's own user namespace, where 0 is root.
bool IsRootOfNode() {
  std::ifstream map("/proc/self/uid_map");
  uint64_t inside = 1;
  uint64_t outside = 1;
  map >> inside >> outside;
  return geteuid() == 0 && map && inside == 0 && outside == 0;
}

absl::Status CheckOptions(const FetcherOptions& options) {
  if (options.at_once < 1) return absl::InvalidArgumentError("at_once: at least 1");
  if (options.id_count == 0) {
    if (!IsRootOfNode()) return absl::OkStatus();
    return absl::InvalidArgumentError("id_count: cells must not have root's id");
  }
  if (options.first_id == 0) return absl::InvalidArgumentError("first_id: 0 is root's");
  if (options.id_count < 2 * static_cast<uint32_t>(options.at_once)) {
    return absl::InvalidArgumentError(absl::StrCat("id_count: ", options.at_once,
                                                   " fetches at once need two ids each, not ",
                                                   options.id_count));
  }
  return absl::OkStatus();
}

struct Waiting {
  uint64_t id = 0;
  FetchJob job;
  std::shared_ptr<FetchListener> listener;
};

class Client : public FetcherClient {
 public:
  static absl::StatusOr<std::unique_ptr<FetcherClient>> Make(FetcherOptions options);
  ~Client() override;

  uint64_t Fetch(FetchJob job, std::shared_ptr<FetchListener> listener) override;
  void Cancel(uint64_t id) override;
  std::vector<std::string> Gaps() const override;
  pid_t fetcher_pid() const override { return pid_; }

 private:
  // By its place among the ids.
  using Cells = std::map<uint32_t, FetchCell>;

  explicit Client(FetcherOptions options) : options_(std::move(options)) {}

  absl::Status Prepare();
  absl::Status StartFetcher();
  void Wake() const;
  void Run();
  // What came from other threads since the last round.
  void TakeNews();
  void CancelOne(uint64_t id);
  // Has the zygote kill it.
  void EndCell(uint64_t id);
  void EndOver(uint64_t id, const absl::Status& status);
  void StartWaiting();
  // False: not now.
  bool StartOne(Waiting waiting);
  absl::StatusOr<int> CaOf(const FetchRequest& request);
  FetchCell::Ids IdsOf(uint32_t place) const;
  // Waits until there is something to do, or until then, and reads what has come.
  void Await(absl::Time next);
  void ReadFetcher();
  void BuryFetcher();
  void CheckOverdue();
  void FinishEnded();
  void Trouble(const absl::Status& status) const;

  FetcherOptions options_;
  OwnedFd wake_;
  OwnedFd log_;
  std::unique_ptr<cgroup::SlotPool> slots_;
  std::atomic<pid_t> pid_{0};
  std::atomic<uint32_t> landlock_abi_{0};

  // Of the thread.
  std::unique_ptr<FetcherProcess> fetcher_;
  absl::Time next_start_ = absl::InfinitePast();
  absl::Time next_try_ = absl::InfinitePast();
  std::deque<Waiting> waiting_;
  Cells cells_;
  std::string ca_text_;
  OwnedFd ca_;

  absl::Mutex mutex_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::deque<Waiting> fresh_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> cancels_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, absl::Status> over_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
  // Ends first: it calls this.
  std::unique_ptr<OutputWatch> watch_;
};

absl::StatusOr<std::unique_ptr<FetcherClient>> Client::Make(FetcherOptions options) {
  CLOISTER_RETURN_IF_ERROR(CheckOptions(options));
  std::unique_ptr<Client> client(new Client(std::move(options)));
  CLOISTER_RETURN_IF_ERROR(client->Prepare());
  client->watch_ = std::make_unique<OutputWatch>(
      client->options_.output, [raw = client.get()](uint64_t id, const absl::Status& status) {
        {
          absl::MutexLock lock(&raw->mutex_);
          raw->over_.emplace(id, status);
        }
        raw->Wake();
      });
  client->thread_ = std::thread([raw = client.get()] { raw->Run(); });
  return client;
}

absl::Status Client::Prepare() {
  wake_ = OwnedFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_.valid()) return ErrnoStatus(errno, "eventfd");
  CLOISTER_ASSIGN_OR_RETURN(std::shared_ptr<const cgroup::SlotParents> parents,
                            cgroup::OpenSlotParents(options_.cgroup));
  CLOISTER_RETURN_IF_ERROR(
      cgroup::SweepSlots(parents, options_.cgroup_slot_prefix, kSweepPatience));
  slots_ = std::make_unique<cgroup::SlotPool>(
      std::move(parents), cgroup::SlotPoolOptions{options_.cgroup_slot_prefix, kReadySlots});
  if (options_.log >= 0) {
    log_ = OwnedFd(fcntl(options_.log, F_DUPFD_CLOEXEC, 0));
    if (!log_.valid()) return ErrnoStatus(errno, "log of the fetcher");
  }
  return StartFetcher();
}

absl::Status Client::StartFetcher() {
  next_start_ = absl::Now() + kRestartPause;
  CLOISTER_ASSIGN_OR_RETURN(fetcher_,
                            FetcherProcess::Start(options_.program, log_.get(), kStartPatience));
  pid_ = fetcher_->pid();
  landlock_abi_ = fetcher_->landlock_abi();
  return absl::OkStatus();
}

Client::~Client() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
}

void Client::Wake() const {
  const uint64_t one = 1;
  // Full only after 2^64 - 2 of them, and it is readable then too.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
}

void Client::Trouble(const absl::Status& status) const {
  if (!status.ok() && options_.on_trouble != nullptr) options_.on_trouble(status);
}

uint64_t Client::Fetch(FetchJob job, std::shared_ptr<FetchListener> listener) {
  uint64_t id = 0;
  {
    absl::MutexLock lock(&mutex_);
    id = next_id_++;
    fresh_.push_back({id, std::move(job), std::move(listener)});
  }
  Wake();
  return id;
}

void Client::Cancel(uint64_t id) {
  {
    absl::MutexLock lock(&mutex_);
    cancels_.push_back(id);
  }
  Wake();
}

std::vector<std::string> Client::Gaps() const {
  std::vector<std::string> gaps;
  if (landlock_abi_ == 0)
    gaps.push_back("the kernel has no Landlock: artifacts are fetched without");
  if (options_.id_count == 0) {
    gaps.push_back("there is one id only: artifacts are fetched under the executor's own");
  }
  if (options_.cgroup.hierarchies().empty()) {
    gaps.push_back(
        "without cgroups a fetch has no limit of memory but its address space, and none of what it "
        "writes to files without a name");
  }
  if (options_.allow_hg && FindHgProgram().empty()) {
    gaps.push_back("there is no program hg: artifacts of Mercurial, which are allowed, will fail");
  }
  return gaps;
}

void Client::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) break;
    }
    TakeNews();
    StartWaiting();
    Await(absl::InfiniteFuture());
    CheckOverdue();
    FinishEnded();
  }
  // It takes its cells along.
  fetcher_.reset();
  pid_ = 0;
  TakeNews();
  for (auto& entry : cells_) {
    entry.second.OnFetcherDied();
    entry.second.SetCancelled();
  }
  const absl::Time give_up = absl::Now() + kEndPatience;
  while (!cells_.empty() && absl::Now() < give_up) {
    Await(give_up);
    FinishEnded();
  }
  // Those that the kernel does not let go of.
  for (auto& entry : cells_) entry.second.Finish();
  for (Waiting& waiting : waiting_) {
    waiting.listener->OnDone(absl::CancelledError("the executor shuts down"));
  }
  waiting_.clear();
}

void Client::TakeNews() {
  uint64_t count;
  // Empty, or emptied: both are right.
  [[maybe_unused]] const ssize_t size = read(wake_.get(), &count, sizeof(count));
  std::vector<uint64_t> cancels;
  std::map<uint64_t, absl::Status> over;
  {
    absl::MutexLock lock(&mutex_);
    for (Waiting& fresh : fresh_) waiting_.push_back(std::move(fresh));
    fresh_.clear();
    cancels.swap(cancels_);
    over.swap(over_);
  }
  for (const auto& [id, status] : over) EndOver(id, status);
  for (uint64_t id : cancels) CancelOne(id);
}

void Client::EndOver(uint64_t id, const absl::Status& status) {
  for (auto& entry : cells_) {
    if (entry.second.id() == id) entry.second.SetOver(status);
  }
  EndCell(id);
}

void Client::CancelOne(uint64_t id) {
  for (auto waiting = waiting_.begin(); waiting != waiting_.end(); ++waiting) {
    if (waiting->id != id) continue;
    const std::shared_ptr<FetchListener> listener = std::move(waiting->listener);
    waiting_.erase(waiting);
    return listener->OnDone(absl::CancelledError("the fetch was cancelled before it began"));
  }
  for (auto& entry : cells_) {
    if (entry.second.id() == id) entry.second.SetCancelled();
  }
  EndCell(id);
}

void Client::EndCell(uint64_t id) {
  const auto is_it = [id](const Cells::value_type& entry) { return entry.second.id() == id; };
  if (fetcher_ == nullptr || std::none_of(cells_.begin(), cells_.end(), is_it)) return;
  internal::FetcherRequest request;
  request.mutable_cancel()->set_id(id);
  const absl::Status sent = fetcher_->Send(request);
  // One that does not read ends nothing either.
  if (!sent.ok()) BuryFetcher();
}

FetchCell::Ids Client::IdsOf(uint32_t place) const {
  if (options_.id_count == 0) return {geteuid(), getegid(), geteuid(), getegid()};
  const uint32_t cell = options_.first_id + 2 * place;
  return {cell, cell, cell + 1, cell + 1};
}

// Kept for the next one: all fetches of a node have the same, as a rule.
absl::StatusOr<int> Client::CaOf(const FetchRequest& request) {
  if (request.http.ca_pem.empty()) return -1;
  if (!ca_.valid() || ca_text_ != request.http.ca_pem) {
    CLOISTER_ASSIGN_OR_RETURN(ca_, MakeSealedMemfd("cloister-ca", request.http.ca_pem, 0400));
    ca_text_ = request.http.ca_pem;
  }
  return ca_.get();
}

void Client::StartWaiting() {
  if (waiting_.empty() || absl::Now() < next_try_) return;
  if (fetcher_ == nullptr) {
    if (absl::Now() < next_start_) return;
    const absl::Status started = StartFetcher();
    if (!started.ok()) {
      Trouble(started);
      const absl::Status failure = MarkRetryable(absl::UnavailableError(
          absl::StrCat("the fetcher cannot be started: ", started.message())));
      std::deque<Waiting> waiting;
      waiting.swap(waiting_);
      for (Waiting& one : waiting) one.listener->OnDone(failure);
      return;
    }
  }
  while (!waiting_.empty() && cells_.size() < static_cast<size_t>(options_.at_once)) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    if (!StartOne(std::move(next))) return;
  }
}

bool Client::StartOne(Waiting waiting) {
  if (waiting.job.request.source.kind == SourceKind::kHg && !options_.allow_hg) {
    waiting.listener->OnDone(
        absl::PermissionDeniedError("this node fetches no Mercurial repositories (allow_hg)"));
    return true;
  }
  uint32_t place = 0;
  while (cells_.count(place) > 0) ++place;
  absl::StatusOr<cgroup::CgroupSlot> slot = slots_->Take();
  absl::StatusOr<int> ca = CaOf(waiting.job.request);
  const absl::Status prepared = slot.ok() ? ca.status() : slot.status();
  if (!prepared.ok()) {
    if (slot.ok()) slots_->Discard(*std::move(slot));
    waiting.listener->OnDone(Annotate(prepared, "start of a fetch"));
    return true;
  }
  auto entry = cells_.emplace(
      std::piecewise_construct, std::forward_as_tuple(place),
      std::forward_as_tuple(waiting.id, std::move(waiting.job), std::move(waiting.listener),
                            IdsOf(place), *std::move(slot)));
  FetchCell& cell = entry.first->second;
  const absl::Status started = cell.Start(*fetcher_, options_, *ca);
  if (started.ok()) {
    watch_->Add(cell.id(), cell.DuplicateOutput(), cell.ProcessesFile());
    return true;
  }
  slots_->Discard(cell.TakeSlot());
  if (cell.unsent()) {
    // Should the fetcher be gone, its socket will say so.
    waiting_.push_front({cell.id(), cell.TakeJob(), cell.listener()});
    cells_.erase(entry.first);
    next_try_ = absl::Now() + kFullSocketPause;
    return false;
  }
  cell.Fail(Annotate(started, "start of a fetch"));
  cells_.erase(entry.first);
  return true;
}

void Client::Await(absl::Time next) {
  if (!waiting_.empty() && cells_.size() < static_cast<size_t>(options_.at_once)) {
    next = std::min(next, fetcher_ == nullptr ? next_start_ : next_try_);
  }
  std::vector<pollfd> entries = {{wake_.get(), POLLIN, 0},
                                 {fetcher_ == nullptr ? -1 : fetcher_->socket(), POLLIN, 0}};
  std::vector<std::pair<FetchCell*, bool>> owners;
  for (auto& entry : cells_) {
    FetchCell& cell = entry.second;
    next = std::min(next, cell.overdue());
    entries.push_back({cell.cell_socket(), POLLIN, 0});  // -1 is skipped by poll(2).
    entries.push_back({cell.broker_socket(), POLLIN, 0});
    owners.push_back({&cell, true});
    owners.push_back({&cell, false});
  }
  int timeout = -1;
  if (next != absl::InfiniteFuture()) {
    const int64_t ms = absl::ToInt64Milliseconds(next - absl::Now());
    timeout = static_cast<int>(std::clamp<int64_t>(ms + 1, 0, 60000));
  }
  if (poll(entries.data(), entries.size(), timeout) <= 0) return;
  for (size_t i = 0; i < owners.size(); ++i) {
    if (entries[i + 2].revents == 0) continue;
    owners[i].second ? owners[i].first->ReadCell() : owners[i].first->ReadBroker();
  }
  // What cells have said before they ended comes first.
  if (entries[1].revents != 0) ReadFetcher();
}

void Client::ReadFetcher() {
  for (;;) {
    const absl::StatusOr<internal::FetcherEvent> event = fetcher_->Receive();
    if (absl::IsUnavailable(event.status())) return;
    if (!event.ok()) return BuryFetcher();
    if (!event->has_ended()) continue;
    for (auto& entry : cells_) {
      if (entry.second.id() == event->ended().id()) entry.second.OnEnded(event->ended());
    }
  }
}

void Client::BuryFetcher() {
  Trouble(absl::UnavailableError(
      absl::StrCat("the fetcher died; ", cells_.size(), " fetches end with it")));
  fetcher_.reset();
  pid_ = 0;
  for (auto& entry : cells_) entry.second.OnFetcherDied();
}

// Its zygote keeps the time. One that is stopped or hangs does not.
void Client::CheckOverdue() {
  if (fetcher_ == nullptr) return;
  const absl::Time now = absl::Now();
  for (auto& entry : cells_) {
    if (entry.second.overdue() > now) continue;
    return BuryFetcher();
  }
}

void Client::FinishEnded() {
  for (auto entry = cells_.begin(); entry != cells_.end();) {
    FetchCell& cell = entry->second;
    if (!cell.HasEnded()) {
      ++entry;
      continue;
    }
    watch_->Remove(cell.id());
    cell.Finish();
    slots_->Discard(cell.TakeSlot());
    entry = cells_.erase(entry);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<FetcherClient>> FetcherClient::Start(FetcherOptions options) {
  return Client::Make(std::move(options));
}

}  // namespace cloister::artifact
