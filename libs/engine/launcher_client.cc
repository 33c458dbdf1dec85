#include "libs/engine/launcher_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/engine/launcher_wire.h"
#include "libs/os/seqpacket.h"

namespace cloister::engine {
namespace {

constexpr absl::Duration kReconnectPatience = absl::Seconds(5);
// A process that dies closes its socket first and becomes waitable a moment later.
constexpr int kReconnectIntervalMs = 200;

absl::StatusOr<OwnedFd> ConnectNonBlocking(const std::string& path) {
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd socket, ConnectSeqpacket(path));
  const int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0 || fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, absl::StrCat("O_NONBLOCK on '", path, "'"));
  }
  return socket;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LauncherClient>> LauncherClient::Connect(Target* target,
                                                                        absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd socket, ConnectNonBlocking(target->socket_path));
  OwnedFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return ErrnoStatus(errno, "eventfd");
  std::vector<internal::LauncherEvent> backlog;
  CLOISTER_RETURN_IF_ERROR(SayHello(socket.get(), deadline, &backlog).status());
  std::unique_ptr<LauncherClient> client(
      new LauncherClient(std::move(*target), std::move(socket), std::move(wake)));
  client->backlog_ = std::move(backlog);
  return client;
}

LauncherClient::LauncherClient(Target target, OwnedFd socket, OwnedFd wake)
    : target_(std::move(target)),
      wake_(std::move(wake)),
      socket_(std::make_shared<OwnedFd>(std::move(socket))) {}

LauncherClient::~LauncherClient() {
  const uint64_t one = 1;
  // Cannot fail: the counter is at zero or one.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
  if (reader_.joinable()) reader_.join();
  FailSignals(absl::UnavailableError("the executor shuts down"));
}

absl::StatusOr<std::vector<internal::InventoryReply::Entry>> LauncherClient::Inventory(
    absl::Duration patience) {
  return AskInventory(socket()->get(), absl::Now() + patience, &backlog_);
}

void LauncherClient::Start(LauncherListener* listener) {
  reader_ = std::thread([this, listener] { Run(listener); });
}

std::shared_ptr<OwnedFd> LauncherClient::socket() const {
  absl::MutexLock lock(&mutex_);
  return socket_;
}

absl::Status LauncherClient::Send(const internal::LauncherRequest& request) const {
  return SendRequest(socket()->get(), request);
}

absl::Status LauncherClient::Launch(const std::string& task_id, const internal::LaunchPlan& plan,
                                    int task_directory) {
  const std::shared_ptr<OwnedFd> current = socket();
  CLOISTER_RETURN_IF_ERROR(SendProgram(current, plan));
  return SendLaunch(current->get(), task_id, plan, task_directory);
}

// Two threads may both send it, which does no harm; what counts is that it is on the wire before
// the plan.
absl::Status LauncherClient::SendProgram(const std::shared_ptr<OwnedFd>& socket,
                                         const internal::LaunchPlan& plan) {
  if (!plan.has_seccomp_filter()) return absl::OkStatus();
  const std::string& hash = plan.seccomp_filter().hash();
  {
    absl::MutexLock lock(&mutex_);
    if (socket == socket_ && sent_programs_.count(hash) > 0) return absl::OkStatus();
  }
  CLOISTER_ASSIGN_OR_RETURN(const std::shared_ptr<const seccomp::CompiledProfile> compiled,
                            target_.programs->Get(plan.seccomp_filter()));
  internal::LauncherRequest request;
  internal::AddSeccompProgram* add = request.mutable_add_seccomp_program();
  add->set_hash(hash);
  add->set_program(compiled->whole);
  add->set_inherited_program(compiled->split.inherited);
  add->set_closing_program(compiled->split.closing);
  CLOISTER_RETURN_IF_ERROR(SendRequest(socket->get(), request));
  absl::MutexLock lock(&mutex_);
  if (socket == socket_) sent_programs_.insert(hash);
  return absl::OkStatus();
}

absl::Status LauncherClient::Stop(const std::string& task_id, int signal, int64_t grace_ms) {
  internal::LauncherRequest request;
  internal::Stop* stop = request.mutable_stop();
  stop->set_task_id(task_id);
  stop->set_signal(signal);
  stop->set_grace_ms(grace_ms);
  return Send(request);
}

absl::Status LauncherClient::Join(const internal::Join& join, absl::Span<const int> fds) {
  return SendJoin(socket()->get(), join, fds);
}

absl::Status LauncherClient::Forget(const std::string& task_id) {
  internal::LauncherRequest request;
  request.mutable_forget()->set_task_id(task_id);
  return Send(request);
}

absl::Status LauncherClient::Prepare(const internal::LaunchPlan& plan) {
  const std::shared_ptr<OwnedFd> current = socket();
  CLOISTER_RETURN_IF_ERROR(SendProgram(current, plan));
  internal::LauncherRequest request;
  *request.mutable_prepare()->mutable_plan() = plan;
  return SendRequest(current->get(), request);
}

absl::Status LauncherClient::Retire() {
  internal::LauncherRequest request;
  request.mutable_retire();
  return Send(request);
}

void LauncherClient::Signal(const std::string& task_id, int signal, SignalCallback done) {
  internal::LauncherRequest request;
  request.mutable_signal()->set_task_id(task_id);
  request.mutable_signal()->set_signal(signal);
  uint64_t call;
  {
    absl::MutexLock lock(&mutex_);
    call = next_call_++;
    signals_.emplace(call, std::move(done));
  }
  request.mutable_signal()->set_call_id(call);
  const absl::Status sent = Send(request);
  if (sent.ok()) return;
  SignalCallback unsent;
  {
    absl::MutexLock lock(&mutex_);
    auto it = signals_.find(call);
    if (it == signals_.end()) return;  // The reader saw the end first, and has told.
    unsent = std::move(it->second);
    signals_.erase(it);
  }
  std::move(unsent)(sent);
}

LauncherClient::Wake LauncherClient::Await(int socket, int timeout_ms) const {
  pollfd entries[] = {{wake_.get(), POLLIN, 0},
                      {socket, POLLIN, 0},  // -1 is skipped by poll(2).
                      {target_.process.get(), POLLIN, 0}};
  while (true) {
    const int count = poll(entries, 3, timeout_ms);
    if (count < 0) continue;  // EINTR, or no memory for the moment.
    if (entries[0].revents != 0) return Wake::kStop;
    // What the launcher said before it died comes first.
    if (entries[1].revents != 0) return Wake::kSocket;
    if (entries[2].revents != 0) return Wake::kProcessEnded;
    if (count == 0) return Wake::kTimeout;
  }
}

void LauncherClient::Run(LauncherListener* listener) {
  for (const internal::LauncherEvent& event : backlog_) Deliver(event, listener);
  backlog_.clear();
  std::shared_ptr<OwnedFd> current = socket();
  while (current != nullptr && Listen(current->get(), listener)) {
    FailSignals(absl::UnavailableError("the connection to the launcher broke"));
    current = Reconnect(listener);
  }
  if (Await(-1, 0) == Wake::kProcessEnded) BuryProcess(listener);
}

bool LauncherClient::Listen(int socket, LauncherListener* listener) {
  while (true) {
    const Wake wake = Await(socket, -1);
    if (wake != Wake::kSocket) return false;
    absl::StatusOr<internal::LauncherEvent> event = ReceiveEvent(socket);
    if (event.ok()) {
      Deliver(*event, listener);
    } else if (!absl::IsUnavailable(event.status())) {
      // End of file, or a message that is none: whoever sent that cannot be followed any further.
      return true;
    }
  }
}

std::shared_ptr<OwnedFd> LauncherClient::Reconnect(LauncherListener* listener) {
  while (true) {
    if (Await(-1, kReconnectIntervalMs) != Wake::kTimeout) return nullptr;
    absl::StatusOr<OwnedFd> fresh = ConnectNonBlocking(target_.socket_path);
    if (!fresh.ok()) continue;
    const absl::Time deadline = absl::Now() + kReconnectPatience;
    if (!SayHello(fresh->get(), deadline, &backlog_).ok()) continue;
    auto entries = AskInventory(fresh->get(), deadline, &backlog_);
    if (!entries.ok()) continue;
    auto shared = std::make_shared<OwnedFd>(*std::move(fresh));
    {
      absl::MutexLock lock(&mutex_);
      socket_ = shared;
      sent_programs_.clear();
    }
    for (const internal::LauncherEvent& event : backlog_) Deliver(event, listener);
    backlog_.clear();
    listener->OnInventory(name(), *entries);
    return shared;
  }
}

void LauncherClient::Deliver(const internal::LauncherEvent& event, LauncherListener* listener) {
  switch (event.event_case()) {
    case internal::LauncherEvent::kLaunched:
      return listener->OnLaunched(name(), event.launched());
    case internal::LauncherEvent::kLaunchFailed:
      return listener->OnLaunchFailed(name(), event.launch_failed());
    case internal::LauncherEvent::kExited:
      return listener->OnExited(name(), event.exited());
    case internal::LauncherEvent::kSignalResult:
      return FinishSignal(event.signal_result());
    case internal::LauncherEvent::kHello:
    case internal::LauncherEvent::kInventory:
      return;
    case internal::LauncherEvent::EVENT_NOT_SET:
      return;  // From a newer launcher: the wire is additive.
  }
}

void LauncherClient::FinishSignal(const internal::SignalResult& result) {
  SignalCallback done;
  {
    absl::MutexLock lock(&mutex_);
    auto it = signals_.find(result.call_id());
    if (it == signals_.end()) return;
    done = std::move(it->second);
    signals_.erase(it);
  }
  if (result.error_number() == 0) {
    std::move(done)(absl::OkStatus());
  } else if (result.error_number() == ESRCH) {
    std::move(done)(absl::NotFoundError("it has no process any more"));
  } else {
    std::move(done)(ErrnoStatus(result.error_number(), "signal"));
  }
}

void LauncherClient::FailSignals(const absl::Status& status) {
  std::map<uint64_t, SignalCallback> pending;
  {
    absl::MutexLock lock(&mutex_);
    pending.swap(signals_);
  }
  for (auto& entry : pending) std::move(entry.second)(status);
}

void LauncherClient::BuryProcess(LauncherListener* listener) {
  if (target_.is_child) {
    // How it ended is of no use to its tasks; what it had to say is in its log.
    [[maybe_unused]] const auto status = target_.process.Reap();
  }
  FailSignals(absl::UnavailableError("the launcher died"));
  listener->OnLauncherDied(name());
}

}  // namespace cloister::engine
