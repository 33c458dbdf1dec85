#include "services/launcher/launcher.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/memfd.h"

namespace cloister {
namespace {

constexpr uint32_t kWireVersion = 1;
// A plan is bounded by what a task's arguments and environment may be.
constexpr size_t kMaxPlanBytes = 8 << 20;

// To the payload's exec; then it has a processor.
constexpr absl::Duration kLaunchTakes = absl::Milliseconds(2);

enum Source : uint32_t { kListener, kConnection, kSupervisor, kJoiners };

absl::Status Watch(int epoll, int fd, Source source, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = source;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0) return absl::OkStatus();
  if (errno == EEXIST && epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "watch");
}

// Enough to keep every core busy while others of them sleep in vfork; few, as each is a stack and a
// set of credentials.
int LaunchThreadCount() {
  return std::min(8, std::max(3, static_cast<int>(std::thread::hardware_concurrency()) + 1));
}

}  // namespace

Launcher::Launcher(std::unique_ptr<launch::LaunchSite> site, OwnedFd listener)
    : site_(std::move(site)),
      threads_(new launch::LaunchThreads(site_.get(), LaunchThreadCount())),
      control_(std::move(listener)) {}

absl::StatusOr<std::unique_ptr<Launcher>> Launcher::Make(std::unique_ptr<launch::LaunchSite> site,
                                                         OwnedFd listener) {
  std::unique_ptr<Launcher> launcher(new Launcher(std::move(site), std::move(listener)));
  Launcher* const borrowed = launcher.get();
  CLOISTER_ASSIGN_OR_RETURN(launcher->joiners_, Joiners::Make());
  CLOISTER_ASSIGN_OR_RETURN(
      launcher->supervisor_,
      supervise::Supervisor::Make(
          [borrowed](const internal::LauncherEvent& event) { borrowed->Tell(event); },
          &borrowed->site_->lull()));
  launcher->epoll_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
  if (!launcher->epoll_.valid()) return ErrnoStatus(errno, "epoll");
  CLOISTER_RETURN_IF_ERROR(
      Watch(launcher->epoll_.get(), launcher->control_.listener(), kListener, EPOLLIN));
  CLOISTER_RETURN_IF_ERROR(
      Watch(launcher->epoll_.get(), launcher->supervisor_->fd(), kSupervisor, EPOLLIN));
  CLOISTER_RETURN_IF_ERROR(
      Watch(launcher->epoll_.get(), launcher->joiners_->fd(), kJoiners, EPOLLIN));
  return launcher;
}

absl::Status Launcher::Run() {
  while (!retiring_ || supervisor_->size() > 0 || joiners_->size() > 0) {
    epoll_event events[4];
    const int count = epoll_wait(epoll_.get(), events, 4, MillisToNextKill());
    if (count < 0 && errno != EINTR) return ErrnoStatus(errno, "epoll_wait");
    bool due = count == 0;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u32 == kListener) AcceptController();
      if (events[i].data.u32 == kSupervisor) due = true;
      if (events[i].data.u32 != kConnection) continue;
      control_.Flush();
      ReadRequests();
    }
    if (due) supervisor_->RunOnce();
    if (joiners_->size() > 0) joiners_->RunOnce();
    WatchConnection();
  }
  site_->RemoveReadySlots();
  return absl::OkStatus();
}

int Launcher::MillisToNextKill() const {
  const int of_task = supervisor_->MillisToNextKill();
  const int of_joiner = joiners_->MillisToNextKill();
  if (of_task < 0 || of_joiner < 0) return std::max(of_task, of_joiner);
  return std::min(of_task, of_joiner);
}

void Launcher::Tell(const internal::LauncherEvent& event) {
  if (event.has_exited()) joiners_->KillOf(event.exited().task_id());
  control_.Send(event);
}

// Asks for writability only while something waits.
void Launcher::WatchConnection() {
  if (control_.connection() < 0) return;
  const uint32_t events = EPOLLIN | (control_.has_backlog() ? static_cast<uint32_t>(EPOLLOUT) : 0u);
  if (events == watched_events_) return;
  watched_events_ = events;
  Watch(epoll_.get(), control_.connection(), kConnection, events)
      .IgnoreError();  // It was watched already.
}

void Launcher::AcceptController() {
  const absl::Status accepted = control_.Accept();
  if (!accepted.ok()) {
    std::fprintf(stderr, "refused a controller: %s\n", accepted.ToString().c_str());
    return;
  }
  // Another connection, whatever its number.
  watched_events_ = 0;
  WatchConnection();
}

void Launcher::ReadRequests() {
  while (control_.connection() >= 0) {
    absl::StatusOr<Packet> packet = control_.Receive();
    if (!packet.ok()) return;
    Handle(*std::move(packet));
  }
}

void Launcher::Handle(Packet packet) {
  internal::LauncherRequest request;
  // From our own executor; what is unknown is of a later version and not for us.
  if (!request.ParseFromString(packet.bytes)) return;
  internal::LauncherEvent event;
  switch (request.request_case()) {
    case internal::LauncherRequest::kHello:
      event.mutable_hello()->set_version(kWireVersion);
      event.mutable_hello()->set_pid(getpid());
      control_.Send(event);
      return;
    case internal::LauncherRequest::kInventory:
      supervisor_->ReportAll();
      return;
    case internal::LauncherRequest::kPrepare:
      threads_->Prepare(request.prepare().plan());
      // What it cannot prepare fails again, with a task to name it.
      site_->Prepare(request.prepare().plan()).IgnoreError();
      return;
    case internal::LauncherRequest::kAddSeccompProgram:
      // What is no program fails each launch that names it.
      site_->seccomp_programs().Add(request.add_seccomp_program()).IgnoreError();
      return;
    case internal::LauncherRequest::kLaunch:
      HandleLaunch(std::move(*request.mutable_launch()), std::move(packet.fds));
      return;
    case internal::LauncherRequest::kStop:
      supervisor_->Stop(request.stop().task_id(), request.stop().signal(),
                        request.stop().grace_ms());
      return;
    case internal::LauncherRequest::kSignal:
      event.mutable_signal_result()->set_call_id(request.signal().call_id());
      event.mutable_signal_result()->set_error_number(
          supervisor_->Signal(request.signal().task_id(), request.signal().signal()));
      control_.Send(event);
      return;
    case internal::LauncherRequest::kJoin:
      joiners_->Start(request.join(), std::move(packet.fds),
                      supervisor_->FindRunning(request.join().task_id()));
      return;
    case internal::LauncherRequest::kForget:
      supervisor_->Forget(request.forget().task_id());
      return;
    case internal::LauncherRequest::kRetire:
      retiring_ = true;
      return;
    case internal::LauncherRequest::REQUEST_NOT_SET:
      return;
  }
}

void Launcher::FailLaunch(const std::string& task_id, const absl::Status& status) {
  internal::LaunchFailure failure;
  failure.set_step(internal::LAUNCH_STEP_PLAN);
  failure.set_error_number(ErrnoOf(status));
  failure.set_detail(std::string(status.message()));
  supervisor_->Settle(task_id, std::move(failure));
}

void Launcher::HandleLaunch(internal::Launch request, std::vector<OwnedFd> fds) {
  // Sent again after a reconnect: the controller has asked for the inventory and knows.
  if (!supervisor_->Begin(request.task_id()).ok()) return;
  site_->lull().Disturb(kLaunchTakes);
  const size_t expected = request.plan_in_fd() ? 2 : 1;
  if (fds.size() != expected) {
    FailLaunch(request.task_id(),
               absl::InvalidArgumentError("launch came without its descriptors"));
    return;
  }
  if (request.plan_in_fd()) {
    absl::StatusOr<std::string> bytes = ReadSealedMemfd(fds[1].get(), kMaxPlanBytes);
    if (!bytes.ok() || !request.mutable_plan()->ParseFromString(*bytes)) {
      FailLaunch(request.task_id(),
                 absl::InvalidArgumentError("plan in descriptor could not be read"));
      return;
    }
  }
  launch::LaunchJob job;
  job.task_id = request.task_id();
  job.plan = std::move(*request.mutable_plan());
  job.task_directory = std::move(fds[0]);
  const std::string task_id = job.task_id;
  if (!control_.HasMore() && threads_->CanLaunchHere(job.plan)) {
    supervisor_->Settle(task_id, threads_->LaunchHere(std::move(job)));
    return;
  }
  supervise::Supervisor* const supervisor = supervisor_.get();
  threads_->Submit(std::move(job), [supervisor, task_id](launch::LaunchThreads::Result result) {
    supervisor->Deposit(task_id, std::move(result));
  });
}

}  // namespace cloister
