#include "libs/engine/testing/fake_launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "cloister/internal/launch_record.pb.h"
#include "libs/os/memfd.h"
#include "libs/os/seqpacket.h"
#include "libs/state/layout.h"
#include "libs/state/record_file.h"

namespace cloister::engine {
namespace {

using Entry = internal::InventoryReply::Entry;

void WriteFile(int directory, const char* name, const std::string& bytes) {
  OwnedFd file(openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  [[maybe_unused]] const ssize_t written = write(file.get(), bytes.data(), bytes.size());
}

void Record(int directory, const char* name, const std::string& bytes) {
  [[maybe_unused]] const absl::Status written = state::WriteRecord(directory, name, bytes);
}

bool IsLive(const Entry& entry) {
  return entry.state() == Entry::STATE_RUNNING || entry.state() == Entry::STATE_STOPPING;
}

}  // namespace

FakeLauncher::FakeLauncher(OwnedFd listener)
    : listener_(std::move(listener)), wake_(eventfd(0, EFD_CLOEXEC)) {
  thread_ = std::thread([this] { Run(); });
}

FakeLauncher::~FakeLauncher() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
  thread_.join();
}

void FakeLauncher::AwaitRetired() {
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return retired_ && std::none_of(tasks_.begin(), tasks_.end(),
                                    [](const auto& task) { return IsLive(task.second.entry); });
  };
  mutex_.Await(absl::Condition(&idle));
}

internal::LauncherRequest FakeLauncher::AwaitRequest(
    absl::FunctionRef<bool(const internal::LauncherRequest&)> fits) {
  absl::MutexLock lock(&mutex_);
  internal::LauncherRequest found;
  const auto seen = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    auto it = std::find_if(requests_.begin(), requests_.end(), fits);
    if (it == requests_.end()) return false;
    found = *it;
    return true;
  };
  mutex_.Await(absl::Condition(&seen));
  return found;
}

size_t FakeLauncher::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_.size();
}

void FakeLauncher::Say(const internal::LauncherEvent& event) {
  absl::MutexLock lock(&mutex_);
  SayLocked(event);
}

void FakeLauncher::SayLocked(const internal::LauncherEvent& event) {
  // A controller that has gone hears nothing; the next one asks.
  if (connection_.valid()) {
    [[maybe_unused]] const auto sent = SendPacket(connection_.get(), event.SerializeAsString());
  }
}

void FakeLauncher::SayExited(const internal::Exited& exited) {
  internal::LauncherEvent event;
  *event.mutable_exited() = exited;
  SayLocked(event);
}

void FakeLauncher::Exit(const std::string& task_id, int wait_status) {
  absl::MutexLock lock(&mutex_);
  End(task_id, wait_status, /*killed_after_grace=*/false);
}

void FakeLauncher::SetInventory(const Entry& entry) {
  absl::MutexLock lock(&mutex_);
  tasks_[entry.task_id()].entry = entry;
}

void FakeLauncher::HangUp() {
  absl::MutexLock lock(&mutex_);
  shutdown(connection_.get(), SHUT_RDWR);
}

void FakeLauncher::Run() {
  while (true) {
    pollfd entries[] = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    if (poll(entries, 2, -1) < 0) continue;
    if (entries[0].revents != 0) return;
    OwnedFd accepted(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!accepted.valid()) continue;
    const int connection = accepted.get();
    {
      absl::MutexLock lock(&mutex_);
      connection_ = std::move(accepted);
    }
    Serve(connection);
    absl::MutexLock lock(&mutex_);
    connection_.reset();
  }
}

void FakeLauncher::Serve(int connection) {
  while (true) {
    pollfd entries[] = {{wake_.get(), POLLIN, 0}, {connection, POLLIN, 0}};
    if (poll(entries, 2, -1) < 0) continue;
    if (entries[0].revents != 0) return;
    absl::StatusOr<Packet> packet = ReceivePacket(connection);
    internal::LauncherRequest request;
    if (!packet.ok() || !request.ParseFromString(packet->bytes)) return;
    Handle(request, std::move(packet->fds));
  }
}

void FakeLauncher::Handle(const internal::LauncherRequest& request, std::vector<OwnedFd> fds) {
  absl::MutexLock lock(&mutex_);
  requests_.push_back(request);
  switch (request.request_case()) {
    case internal::LauncherRequest::kHello:
      return Greet();
    case internal::LauncherRequest::kLaunch:
      return Launch(request.launch(), std::move(fds));
    case internal::LauncherRequest::kStop:
      return Deliver(request.stop().task_id(), request.stop().signal(),
                     request.stop().grace_ms() == 0);
    case internal::LauncherRequest::kSignal: {
      internal::LauncherEvent event;
      auto it = tasks_.find(request.signal().task_id());
      event.mutable_signal_result()->set_call_id(request.signal().call_id());
      event.mutable_signal_result()->set_error_number(
          it != tasks_.end() && IsLive(it->second.entry) ? 0 : ESRCH);
      SayLocked(event);
      return Deliver(request.signal().task_id(), request.signal().signal(), /*at_once=*/false);
    }
    case internal::LauncherRequest::kJoin:
      return;  // As one that is older than joiners: the socket's end says that there is none.
    case internal::LauncherRequest::kForget:
      tasks_.erase(request.forget().task_id());
      return;
    case internal::LauncherRequest::kRetire:
      retired_ = true;
      return;
    case internal::LauncherRequest::kInventory:
      return TellInventory();
    case internal::LauncherRequest::kPrepare:
    case internal::LauncherRequest::kAddSeccompProgram:
    case internal::LauncherRequest::REQUEST_NOT_SET:
      return;
  }
}

void FakeLauncher::Greet() {
  internal::LauncherEvent event;
  event.mutable_hello()->set_version(1);
  event.mutable_hello()->set_pid(getpid());
  SayLocked(event);
  for (const auto& task : tasks_) {
    if (task.second.entry.has_exited()) SayExited(task.second.entry.exited());
  }
}

void FakeLauncher::TellInventory() {
  // Two datagrams wherever that is possible, so that a reader has to follow `more`.
  internal::LauncherEvent event;
  for (const auto& task : tasks_) {
    if (event.inventory().entries_size() > 0) {
      event.mutable_inventory()->set_more(true);
      SayLocked(event);
      event.Clear();
    }
    *event.mutable_inventory()->add_entries() = task.second.entry;
  }
  event.mutable_inventory()->set_more(false);
  SayLocked(event);
}

void FakeLauncher::Launch(const internal::Launch& launch, std::vector<OwnedFd> fds) {
  internal::LaunchPlan plan = launch.plan();
  if (launch.plan_in_fd()) plan.ParseFromString(*ReadSealedMemfd(fds.back().get(), 1 << 24));
  const std::string command = plan.exec().candidates_size() > 0 ? plan.exec().candidates(0) : "";
  const std::string argument = plan.exec().args_size() > 0 ? plan.exec().args(0) : "";
  if (command == "/fail") {
    internal::LauncherEvent event;
    event.mutable_launch_failed()->set_task_id(launch.task_id());
    internal::LaunchFailure* failure = event.mutable_launch_failed()->mutable_failure();
    failure->set_step(internal::LAUNCH_STEP_EXEC);
    failure->set_error_number(ENOENT);
    return SayLocked(event);
  }
  Task& task = tasks_[launch.task_id()];
  task.entry.set_task_id(launch.task_id());
  task.entry.set_state(Entry::STATE_STARTING);
  if (!fds.empty()) task.directory = std::move(fds.front());
  if (command == "/hold") return;
  task.ignores_signals = command == "/ignore";
  absl::string_view code = command;
  int status = 0;
  const bool exits = (absl::ConsumePrefix(&code, "/exit/") && absl::SimpleAtoi(code, &status)) ||
                     command == "/bin/true";
  if (command == "/exit-first") {
    End(launch.task_id(), 0, /*killed_after_grace=*/false);
    Start(task, argument);
    task.entry.set_state(Entry::STATE_EXITED);
    return;
  }
  Start(task, argument);
  if (exits) End(launch.task_id(), status << 8, /*killed_after_grace=*/false);
}

void FakeLauncher::Start(Task& task, const std::string& argument) {
  mkdirat(task.directory.get(), "logs", 0700);
  WriteFile(task.directory.get(), "logs/stdout", argument);
  WriteFile(task.directory.get(), "logs/stderr", "");
  task.entry.set_state(Entry::STATE_RUNNING);
  internal::Launched* launched = task.entry.mutable_launched();
  launched->set_task_id(task.entry.task_id());
  launched->set_pid(getpid());
  launched->set_exec_time_ns(absl::ToUnixNanos(absl::Now()));
  internal::LaunchRecord record;
  record.set_task_id(task.entry.task_id());
  *record.mutable_launched() = *launched;
  Record(task.directory.get(), state::kLaunchRecord, record.SerializeAsString());
  internal::LauncherEvent event;
  *event.mutable_launched() = *launched;
  SayLocked(event);
}

void FakeLauncher::End(const std::string& task_id, int wait_status, bool killed_after_grace) {
  auto it = tasks_.find(task_id);
  if (it == tasks_.end() || it->second.entry.has_exited()) return;
  Entry& entry = it->second.entry;
  entry.set_state(Entry::STATE_EXITED);
  internal::Exited* exited = entry.mutable_exited();
  exited->set_task_id(task_id);
  exited->set_wait_status(wait_status);
  exited->set_killed_after_grace(killed_after_grace);
  exited->set_exit_time_ns(absl::ToUnixNanos(absl::Now()));
  internal::ExitRecord record;
  record.set_task_id(task_id);
  *record.mutable_exited() = *exited;
  *record.mutable_launched() = entry.launched();
  if (it->second.directory.valid()) {
    Record(it->second.directory.get(), state::kExitRecord, record.SerializeAsString());
  }
  SayExited(*exited);
}

void FakeLauncher::Deliver(const std::string& task_id, int signal, bool at_once) {
  auto it = tasks_.find(task_id);
  if (it == tasks_.end() || !IsLive(it->second.entry)) return;
  if (it->second.ignores_signals && !at_once && signal != SIGKILL) return;
  End(task_id, at_once ? SIGKILL : signal, /*killed_after_grace=*/at_once);
}

}  // namespace cloister::engine
