#include "tools/cloister/dev_stop.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cloister/internal/launcher.pb.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/random_id.h"
#include "libs/base/status_annotation.h"
#include "libs/os/pidfd.h"
#include "libs/os/seqpacket.h"
#include "libs/state/layout.h"
#include "tools/cloister/client.h"
#include "tools/cloister/dev_cluster.h"
#include "tools/cloister/dev_connection.h"
#include "tools/cloister/dev_processes.h"
#include "tools/cloister/dev_removal.h"

namespace cloister {
namespace {

constexpr absl::Duration kServiceGrace = absl::Seconds(10);
constexpr int kRetireMs = 3000;
// From the kill to the end of a task; more says that something is stuck.
constexpr absl::Duration kKillPatience = absl::Seconds(10);

class Stopper {
 public:
  Stopper(const DevLayout& layout, const DevStopOptions& options)
      : layout_(layout), options_(options) {}

  absl::StatusOr<bool> Stop() {
    absl::StatusOr<OwnedFd> lock = LockDevCluster(layout_);
    // Without its directory there may be a cluster all the same, if somebody has removed it.
    if (!lock.ok() && !absl::IsNotFound(lock.status())) return lock.status();
    const bool any = FindAll();
    if (any) {
      const absl::StatusOr<std::vector<std::string>> cgroups = FindCgroups();
      StopTasks();
      EndServices();
      EndLaunchers();
      Keep(cgroups.status());
      if (cgroups.ok()) {
        Keep(RemoveDevCgroups(layout_, *cgroups, [this](absl::string_view line) { Say(line); }));
      }
      Keep(RemoveDevMounts(layout_));
    }
    Keep(RemoveDevFiles(layout_));
    if (lock.ok() && unlink(layout_.lock.c_str()) != 0) Keep(ErrnoStatus(errno, layout_.lock));
    if (!first_error_.ok()) return first_error_;
    return any;
  }

 private:
  void Say(absl::string_view line) const {
    if (options_.progress != nullptr) options_.progress(line);
  }

  void Keep(const absl::Status& status) {
    if (status.ok()) return;
    Say(status.message());
    if (first_error_.ok()) first_error_ = status;
  }

  // Processes are found by what they write to, so none is missed that a record does not tell of.
  bool FindAll() {
    absl::StatusOr<std::vector<DevProcessFound>> found = FindDevProcesses(layout_.directory);
    if (found.ok()) processes_ = *std::move(found);
    Keep(found.status());
    return !processes_.empty() || access(layout_.record.c_str(), F_OK) == 0 ||
           access(layout_.run_directory.c_str(), F_OK) == 0;
  }

  absl::StatusOr<std::vector<std::string>> FindCgroups() const {
    std::vector<pid_t> pids;
    for (const DevProcessFound& process : processes_) pids.push_back(process.pid);
    return FindPlacesOfDevCgroups(layout_, pids);
  }

  void StopTasks() {
    for (int number = 1; number <= kMaxDevNodes; ++number) {
      const DevNodeLayout node = layout_.Node(number);
      if (!IsListening(node.socket)) continue;
      const absl::Status stopped = Annotate(StopTasksOf(node), node.id);
      if (stopped.ok()) asked_.insert(number);
      Keep(stopped);
    }
  }

  // Asks all before it waits for the first, so that their graces pass together.
  absl::Status StopTasksOf(const DevNodeLayout& node) {
    std::unique_ptr<Client> client = ConnectDev(node.socket);
    absl::StatusOr<std::vector<v1::Task>> tasks = client->ListTasks({});
    if (!tasks.ok()) return tasks.status();
    absl::Status first;
    int live = 0;
    for (const v1::Task& task : *tasks) {
      if (task.state() == v1::TASK_STATE_EXITED || task.state() == v1::TASK_STATE_LOST) continue;
      ++live;
      v1::StopTaskRequest request;
      request.set_request_id(RandomId());
      request.set_task_id(task.id());
      *request.mutable_grace() = GraceOf(task);
      first.Update(client->StopTask(request).status());
    }
    if (live > 0)
      Say(absl::StrCat("stopping ", live, live == 1 ? " task" : " tasks", " of ", node.id));
    for (const v1::Task& task : *tasks) first.Update(EndTask(*client, task.id()));
    return first;
  }

  absl::Status EndTask(Client& client, const std::string& id) {
    absl::Status waited =
        client.WaitTask(id, absl::Now() + options_.grace + kKillPatience).status();
    // Destroyed by somebody else meanwhile: gone is what was wanted.
    if (absl::IsNotFound(waited)) return absl::OkStatus();
    if (!waited.ok()) return waited;
    v1::DestroyTaskRequest request;
    request.set_request_id(RandomId());
    request.set_task_id(id);
    request.set_allow_missing(true);
    return client.DestroyTask(request);
  }

  google::protobuf::Duration GraceOf(const v1::Task& task) const {
    const google::protobuf::Duration& own = task.config().kill_timeout();
    const int64_t limit = absl::ToInt64Nanoseconds(options_.grace);
    int64_t nanoseconds = own.seconds() * 1'000'000'000 + own.nanos();
    if (!task.config().has_kill_timeout() || nanoseconds > limit) nanoseconds = limit;
    google::protobuf::Duration grace;
    grace.set_seconds(nanoseconds / 1'000'000'000);
    grace.set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
    return grace;
  }

  // The frontend first, so that no node is reported lost on its way out.
  void EndServices() {
    for (const char* program : {"cloister-frontend", "cloister-executor"}) {
      for (const DevProcessFound& process : processes_) {
        if (process.program != program) continue;
        Say(absl::StrCat("ending ", program, " (pid ", process.pid, ")"));
        Keep(Annotate(EndDevProcess(process.pidfd, kServiceGrace), program));
      }
    }
  }

  // Looked for anew: an executor may have started one while we were about to end it.
  void EndLaunchers() {
    for (int number = 1; number <= kMaxDevNodes; ++number) {
      const DevNodeLayout node = layout_.Node(number);
      absl::StatusOr<std::vector<DevProcessFound>> launchers =
          FindDevProcesses(node.state_directory);
      Keep(launchers.status());
      if (!launchers.ok() || launchers->empty()) continue;
      RetireLaunchersOf(node);
      for (const DevProcessFound& launcher : *launchers) {
        // One whose executor could not be asked has tasks, and would wait for them to end.
        const int patience = asked_.count(number) > 0 ? kRetireMs : 0;
        if (!launcher.pidfd.AwaitEnd(patience)) {
          Say(absl::StrCat("killing a launcher of ", node.id, " (pid ", launcher.pid,
                           ") and its tasks"));
        }
        Keep(Annotate(EndDevProcess(launcher.pidfd, absl::ZeroDuration()), "launcher"));
      }
    }
  }

  // Best effort: what does not leave by itself is killed.
  void RetireLaunchersOf(const DevNodeLayout& node) {
    for (const std::string& name :
         ListDevDirectory(absl::StrCat(node.state_directory, "/", state::kLaunchersDirectory))) {
      absl::StatusOr<OwnedFd> socket =
          ConnectSeqpacket(absl::StrCat(node.run_directory, "/", state::LauncherSocket(name)));
      if (!socket.ok()) continue;
      internal::LauncherRequest hello;
      hello.mutable_hello()->set_version(1);
      internal::LauncherRequest retire;
      retire.mutable_retire();
      if (SendPacket(socket->get(), hello.SerializeAsString()).ok()) {
        (void)SendPacket(socket->get(), retire.SerializeAsString());
      }
      retiring_.push_back(*std::move(socket));
    }
  }

  const DevLayout& layout_;
  const DevStopOptions& options_;
  std::vector<DevProcessFound> processes_;
  // Nodes whose executor has ended its tasks.
  std::set<int> asked_;
  // Open until the launchers have left: a launcher reads to the end of what its controller sent.
  std::vector<OwnedFd> retiring_;
  absl::Status first_error_;
};

}  // namespace

absl::StatusOr<bool> StopDevCluster(const DevLayout& layout, const DevStopOptions& options) {
  return Stopper(layout, options).Stop();
}

}  // namespace cloister
