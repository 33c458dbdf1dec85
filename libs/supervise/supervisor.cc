#include "libs/supervise/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/launch/launch_record.h"
#include "libs/launch/report_message.h"
#include "libs/os/seqpacket.h"

namespace cloister {
namespace supervise {
namespace {

// epoll carries serial * 2 + kind.
constexpr uint64_t kWakeSerial = 0;
enum EventKind : uint64_t { kReport = 0, kEnd = 1 };

// Tasks in one InventoryReply: keeps it below a packet's limit.
constexpr int kInventoryEntries = 64;

// After init is reaped nothing of its pid namespace lives; a moment for what the kernel still has
// to take down.
constexpr absl::Duration kKillPatience = absl::Milliseconds(50);

// Until whoever waits for an end has heard of it; what comes next from the same client takes about
// as long again, in which the other processors are free.
constexpr absl::Duration kEndTakes = absl::Microseconds(700);

int64_t ReadClock(clockid_t clock, int64_t unit_ns) {
  timespec now;
  clock_gettime(clock, &now);
  return (static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec) / unit_ns;
}
int64_t MonotonicMs() { return ReadClock(CLOCK_BOOTTIME, 1000000); }
int64_t WallNs() { return ReadClock(CLOCK_REALTIME, 1); }

}  // namespace

struct Supervisor::Task {
  std::string id;
  uint64_t serial = 0;
  internal::InventoryReply::Entry::State state = internal::InventoryReply::Entry::STATE_STARTING;
  launch::LaunchedTask process;
  PidFd payload;
  uint64_t stdout_log = 0;
  uint64_t stderr_log = 0;
  // The report socket, by epoll.
  bool report_watched = false;
  // A stop that came while the task was starting.
  bool stop_pending = false;
  int pending_signal = 0;
  int64_t pending_grace_ms = 0;
  bool killed_after_grace = false;
  // Of the payload, as told by init.
  absl::optional<int> wait_status;
  // Set in the end, one of them.
  absl::optional<internal::LaunchFailure> failure;
  internal::Exited exited;
  internal::Launched launched;
};

Supervisor::Supervisor(EventSink sink, Lull* lull)
    : sink_(std::move(sink)), lull_(lull), closer_(lull) {}
Supervisor::~Supervisor() = default;

absl::StatusOr<std::unique_ptr<Supervisor>> Supervisor::Make(EventSink sink, Lull* lull) {
  std::unique_ptr<Supervisor> supervisor(new Supervisor(std::move(sink), lull));
  supervisor->epoll_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
  supervisor->wake_ = OwnedFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!supervisor->epoll_.valid() || !supervisor->wake_.valid())
    return ErrnoStatus(errno, "supervisor");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeSerial;
  if (epoll_ctl(supervisor->epoll_.get(), EPOLL_CTL_ADD, supervisor->wake_.get(), &event) != 0) {
    return ErrnoStatus(errno, "supervisor");
  }
  CLOISTER_ASSIGN_OR_RETURN(supervisor->pump_, logs::LogPump::Start());
  supervisor->syncer_ = std::make_unique<state::ExitSyncer>();
  return supervisor;
}

Supervisor::Task* Supervisor::Find(const std::string& task_id) {
  auto found = tasks_.find(task_id);
  return found == tasks_.end() ? nullptr : found->second.get();
}

Supervisor::Task* Supervisor::FindBySerial(uint64_t serial) {
  auto found = by_serial_.find(serial);
  return found == by_serial_.end() ? nullptr : found->second;
}

absl::Status Supervisor::Begin(const std::string& task_id) {
  auto task = std::make_unique<Task>();
  task->id = task_id;
  task->serial = next_serial_++;
  Task* const borrowed = task.get();
  if (!tasks_.emplace(task_id, std::move(task)).second) {
    return absl::AlreadyExistsError(absl::StrCat("task '", task_id, "' is known already"));
  }
  by_serial_[borrowed->serial] = borrowed;
  return absl::OkStatus();
}

void Supervisor::Deposit(std::string task_id, LaunchResult result) {
  {
    absl::MutexLock lock(&inbox_mutex_);
    inbox_.push_back({std::move(task_id), std::move(result)});
  }
  eventfd_write(wake_.get(), 1);
}

void Supervisor::Settle(const std::string& task_id, LaunchResult result) {
  Task* task = Find(task_id);
  if (task == nullptr) return;
  if (auto* failure = absl::get_if<internal::LaunchFailure>(&result)) {
    EndWithFailure(task, std::move(*failure));
  } else {
    Arrive(task, absl::get<launch::LaunchedTask>(std::move(result)));
  }
}

void Supervisor::TakeArrivals() {
  eventfd_t count;
  eventfd_read(wake_.get(), &count);
  std::vector<Arrival> arrivals;
  {
    absl::MutexLock lock(&inbox_mutex_);
    arrivals.swap(inbox_);
  }
  for (Arrival& arrival : arrivals) Settle(arrival.task_id, std::move(arrival.result));
}

absl::Status Supervisor::Watch(Task* task) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = task->serial * 2 + kReport;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, task->process.report.get(), &event) != 0) {
    return ErrnoStatus(errno, "watch report socket");
  }
  task->report_watched = true;
  event.data.u64 = task->serial * 2 + kEnd;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, task->process.init.get(), &event) != 0) {
    return ErrnoStatus(errno, "watch init");
  }
  launch::OutputPipe out = std::move(task->process.stdout_pipe);
  launch::OutputPipe err = std::move(task->process.stderr_pipe);
  CLOISTER_ASSIGN_OR_RETURN(task->stdout_log, pump_->Add(std::move(out.read), std::move(out.write),
                                                         std::move(task->process.stdout_file)));
  CLOISTER_ASSIGN_OR_RETURN(task->stderr_log, pump_->Add(std::move(err.read), std::move(err.write),
                                                         std::move(task->process.stderr_file)));
  return absl::OkStatus();
}

void Supervisor::Arrive(Task* task, launch::LaunchedTask process) {
  task->process = std::move(process);
  absl::Status watched = Watch(task);
  if (watched.ok()) return;
  // Out of descriptors or memory: a task that nobody can watch must not run.
  Kill(task);
  task->process.init.WaitAndReap().IgnoreError();
  internal::LaunchFailure failure;
  failure.set_step(internal::LAUNCH_STEP_AWAIT_EXEC);
  failure.set_error_number(ErrnoOf(watched));
  failure.set_detail(std::string(watched.message()));
  EndWithFailure(task, std::move(failure));
}

void Supervisor::ReadReports(Task* task) {
  for (;;) {
    absl::StatusOr<Packet> packet = ReceivePacket(task->process.report.get());
    if (!packet.ok()) {
      if (!absl::IsUnavailable(packet.status())) OnReportEnd(task);
      return;
    }
    launch::ReportMessage message;
    if (packet->bytes.size() != sizeof(message)) continue;
    std::memcpy(&message, packet->bytes.data(), sizeof(message));
    if (message.kind == launch::kReportExeced && packet->fds.size() == 1) {
      OnExeced(task, std::move(packet->fds[0]));
    } else if (message.kind == launch::kReportExited) {
      task->wait_status = message.wait_status;
      // By init's watch; the exec's is by ours, when it was heard of.
      task->exited.set_exit_time_ns(std::min<int64_t>(
          std::max<int64_t>(message.exit_time_ns, task->launched.exec_time_ns()), WallNs()));
    } else if (message.kind == launch::kReportFailed) {
      task->failure.emplace();
      task->failure->set_step(static_cast<internal::LaunchStep>(message.step));
      task->failure->set_index(message.index);
      task->failure->set_error_number(message.error);
    }
  }
}

// What else init has to say is read when its pidfd tells of its end, which comes at once: not a
// wake-up more.
void Supervisor::UnwatchReport(Task* task) {
  if (!std::exchange(task->report_watched, false)) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, task->process.report.get(), nullptr);
}

// Init is on its way out, and its pidfd tells the rest; or it has made place for the payload.
void Supervisor::OnReportEnd(Task* task) {
  UnwatchReport(task);
  if (!task->process.without_init || task->failure.has_value() || task->payload.valid()) return;
  OwnedFd payload(fcntl(task->process.init.get(), F_DUPFD_CLOEXEC, 0));
  // Out of descriptors: a task that nobody can signal must not run.
  if (!payload.valid()) return Kill(task);
  OnExeced(task, std::move(payload));
}

void Supervisor::OnExeced(Task* task, OwnedFd payload) {
  UnwatchReport(task);
  task->payload = PidFd(std::move(payload));
  task->state = internal::InventoryReply::Entry::STATE_RUNNING;
  task->launched.set_task_id(task->id);
  task->launched.set_pid(task->process.pid);
  task->launched.set_start_time_ticks(task->process.start_time_ticks);
  task->launched.set_exec_time_ns(WallNs());
  internal::LauncherEvent event;
  *event.mutable_launched() = task->launched;
  sink_(event);
  if (task->stop_pending) StopRunning(task, task->pending_signal, task->pending_grace_ms);
}

void Supervisor::Stop(const std::string& task_id, int signal, int64_t grace_ms) {
  Task* task = Find(task_id);
  if (task == nullptr || task->state == internal::InventoryReply::Entry::STATE_EXITED) return;
  if (task->state == internal::InventoryReply::Entry::STATE_STARTING) {
    if (task->stop_pending) grace_ms = std::min(grace_ms, task->pending_grace_ms);
    task->stop_pending = true;
    task->pending_signal = signal;
    task->pending_grace_ms = grace_ms;
    return;
  }
  StopRunning(task, signal, grace_ms);
}

void Supervisor::StopRunning(Task* task, int signal, int64_t grace_ms) {
  task->state = internal::InventoryReply::Entry::STATE_STOPPING;
  if (grace_ms <= 0) {
    Kill(task);
    return;
  }
  task->payload.Signal(signal)
      .IgnoreError();  // It may have ended just now; then there is nothing to stop.
  timers_.Set(task->id, MonotonicMs() + grace_ms);
}

void Supervisor::Kill(Task* task) {
  // By the cgroup first, for what a payload with host pids may have started; init's death takes its
  // namespace along.
  task->process.slot.Kill(absl::ZeroDuration()).IgnoreError();  // Called again when init is reaped.
  task->process.init.Signal(SIGKILL).IgnoreError();             // Already gone is what we want.
}

int Supervisor::Signal(const std::string& task_id, int signal) {
  Task* task = Find(task_id);
  if (task == nullptr || !task->payload.valid() || task->wait_status.has_value() ||
      task->state == internal::InventoryReply::Entry::STATE_EXITED) {
    return ESRCH;
  }
  absl::Status sent = task->payload.Signal(signal);
  if (sent.ok()) return 0;
  return absl::IsNotFound(sent) ? ESRCH : ErrnoOf(sent);
}

absl::optional<RunningTask> Supervisor::FindRunning(const std::string& task_id) {
  Task* task = Find(task_id);
  if (task == nullptr || !task->payload.valid() || !task->process.init.valid() ||
      task->state == internal::InventoryReply::Entry::STATE_EXITED) {
    return absl::nullopt;
  }
  return RunningTask{task->process.init.get(), &task->process.slot};
}

void Supervisor::Forget(const std::string& task_id) {
  Task* task = Find(task_id);
  if (task == nullptr || task->state != internal::InventoryReply::Entry::STATE_EXITED) return;
  by_serial_.erase(task->serial);
  tasks_.erase(task_id);
}

void Supervisor::ReadUsage(Task* task, internal::Usage* usage) {
  // Counters that cannot be read are reported as zero: they are no reason to withhold the exit
  // itself.
  absl::StatusOr<cgroup::CgroupStats> stats = task->process.slot.Stats();
  if (stats.ok()) {
    usage->set_oom_kills(stats->oom_kills);
    usage->set_cpu_time_ns(stats->cpu_time_ns);
    usage->set_memory_peak_bytes(stats->memory_peak_bytes);
  }
  const logs::LogTotals out = pump_->Finish(task->stdout_log);
  const logs::LogTotals err = pump_->Finish(task->stderr_log);
  usage->set_stdout_bytes(out.written);
  usage->set_stderr_bytes(err.written);
  usage->set_dropped_bytes(out.dropped + err.dropped);
}

void Supervisor::Finish(Task* task, int init_status) {
  lull_->Disturb(kEndTakes);
  timers_.Cancel(task->id);
  // Whoever the task left behind. An init of a namespace takes all along by itself.
  if (!task->process.own_pid_namespace) {
    // The pool tries removal until the kernel lets go.
    task->process.slot.Kill(kKillPatience).IgnoreError();
  }
  ReadUsage(task, task->exited.mutable_usage());
  const bool ran = task->payload.valid();
  if (!ran && !task->failure.has_value()) {
    // Killed before it could exec or say why.
    task->failure.emplace();
    task->failure->set_step(internal::LAUNCH_STEP_AWAIT_EXEC);
    task->failure->set_error_number(ECHILD);
    task->failure->set_detail(absl::StrCat("init ended with wait status ", init_status));
  }
  if (task->failure.has_value()) {
    EndWithFailure(task, *std::move(task->failure));
    return;
  }
  task->exited.set_task_id(task->id);
  task->exited.set_wait_status(task->wait_status.value_or(init_status));
  task->exited.set_killed_after_grace(task->killed_after_grace);
  if (task->exited.exit_time_ns() <= 0) task->exited.set_exit_time_ns(WallNs());
  internal::ExitRecord record;
  record.set_task_id(task->id);
  *record.mutable_exited() = task->exited;
  *record.mutable_launched() = task->launched;
  // A disk that refuses the record must not lose the exit for those who are here to hear it.
  launch::WriteExitRecord(task->process.task_directory.get(), record).IgnoreError();
  SendEnd(*task);
  syncer_->Add(std::move(task->process.task_directory));
  LetGo(task);
}

void Supervisor::LetGo(Task* task) {
  closer_.Close(std::move(task->process.mount_namespace));
  if (task->process.pool != nullptr) task->process.pool->Discard(std::move(task->process.slot));
  task->process = launch::LaunchedTask();
  task->payload = PidFd();
  task->state = internal::InventoryReply::Entry::STATE_EXITED;
}

void Supervisor::EndWithFailure(Task* task, internal::LaunchFailure failure) {
  pump_->Finish(task->stdout_log);
  pump_->Finish(task->stderr_log);
  task->failure = std::move(failure);
  SendEnd(*task);
  LetGo(task);
}

void Supervisor::SendEnd(const Task& task) {
  internal::LauncherEvent event;
  if (task.failure.has_value()) {
    event.mutable_launch_failed()->set_task_id(task.id);
    *event.mutable_launch_failed()->mutable_failure() = *task.failure;
  } else {
    *event.mutable_exited() = task.exited;
  }
  sink_(event);
}

void Supervisor::ReportAll() {
  internal::LauncherEvent event;
  for (const auto& entry : tasks_) {
    const Task& task = *entry.second;
    if (task.state == internal::InventoryReply::Entry::STATE_EXITED) SendEnd(task);
    auto* listed = event.mutable_inventory()->add_entries();
    listed->set_task_id(task.id);
    listed->set_state(task.state);
    if (task.launched.pid() != 0) *listed->mutable_launched() = task.launched;
    if (event.inventory().entries_size() < kInventoryEntries) continue;
    event.mutable_inventory()->set_more(true);
    sink_(event);
    event.Clear();
  }
  event.mutable_inventory()->set_more(false);
  sink_(event);
}

int Supervisor::MillisToNextKill() const { return timers_.MillisToNext(MonotonicMs()); }

void Supervisor::RunOnce() {
  constexpr int kEvents = 64;
  epoll_event events[kEvents];
  const int count = epoll_wait(epoll_.get(), events, kEvents, 0);
  for (int i = 0; i < count; ++i) {
    const uint64_t tag = events[i].data.u64;
    if (tag == kWakeSerial) {
      TakeArrivals();
      continue;
    }
    Task* task = FindBySerial(tag / 2);
    // Ended by an earlier event of this round.
    if (task == nullptr || !task->process.init.valid()) continue;
    // Before the end as well: what init said last counts.
    ReadReports(task);
    if (tag % 2 != kEnd) continue;
    absl::StatusOr<absl::optional<int>> status = task->process.init.Reap();
    if (status.ok() && status->has_value()) Finish(task, **status);
  }
  for (const std::string& task_id : timers_.TakeDue(MonotonicMs())) {
    Task* task = Find(task_id);
    if (task == nullptr || task->state != internal::InventoryReply::Entry::STATE_STOPPING) continue;
    task->killed_after_grace = true;
    Kill(task);
  }
}

}  // namespace supervise
}  // namespace cloister
