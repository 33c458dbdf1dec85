#include "tools/cloister/attached_run.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <thread>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/random_id.h"
#include "libs/base/status_annotation.h"
#include "tools/cloister/exit_code.h"

namespace cloister {
namespace {

absl::Status WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, fd == STDOUT_FILENO ? "stdout" : "stderr");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

AttachedRun::AttachedRun(Client* client, const Interrupts* interrupts,
                         std::function<void(const std::string&)> note)
    : client_(client), interrupts_(interrupts), note_(std::move(note)) {}

absl::StatusOr<v1::Task> AttachedRun::Follow(const v1::StartTaskRequest& request,
                                             const std::function<void(const v1::Task&)>& started) {
  OwnedFd wake(eventfd(0, EFD_CLOEXEC));
  if (!wake.valid()) return ErrnoStatus(errno, "eventfd");
  // From before the start on: a Ctrl-C that comes while the start is under way must not leave a
  // task behind.
  std::thread forwarder([this, &wake] { ForwardInterrupts(wake.get()); });
  absl::Cleanup end_forwarder = [&] {
    const uint64_t one = 1;
    if (write(wake.get(), &one, sizeof(one)) != sizeof(one))
      std::abort();  // An eventfd of 0 takes 1.
    forwarder.join();
  };
  absl::StatusOr<v1::Task> task = Start(request);
  if (!task.ok()) return task;
  const std::string id = task->id();
  started(*task);
  absl::Status out;
  absl::Status err;
  std::thread out_copier([&] { out = CopyOutput(v1::LOG_STREAM_STDOUT, STDOUT_FILENO); });
  std::thread err_copier([&] { err = CopyOutput(v1::LOG_STREAM_STDERR, STDERR_FILENO); });
  task = client_->WaitTask(id);
  out_copier.join();
  err_copier.join();
  for (const absl::Status& copied : {out, err}) {
    if (copied.ok()) continue;
    output_is_complete_ = false;
    note_(absl::StrCat("output of task ", id, " is not complete: ", copied.message()));
  }
  return task;
}

void AttachedRun::Started(const std::string& task_id) {
  int already;
  {
    absl::MutexLock lock(&mutex_);
    task_id_ = task_id;
    already = interrupts_seen_;
  }
  if (already > 0) Stop(already > 1);
}

absl::StatusOr<v1::Task> AttachedRun::Start(v1::StartTaskRequest request) {
  const bool waits = !request.config().artifacts().empty();
  // Known at once, it can be watched, and stopped, while its artifacts come.
  if (waits) request.set_wait(v1::StartTaskRequest::WAIT_ACCEPTED);
  absl::StatusOr<v1::Task> task = client_->StartTask(request);
  if (!task.ok()) return task;
  Started(task->id());
  if (!waits) return task;
  const absl::Status watched = client_->WatchTask(task->id(), [&](const v1::Task& now) {
    *task = now;
    if (on_progress_ != nullptr) on_progress_(now);
    return now.state() == v1::TASK_STATE_PENDING || now.state() == v1::TASK_STATE_STARTING;
  });
  if (!watched.ok()) return watched;
  if (!task->exit_result().has_start_failure()) return task;
  // As a start that is waited for: it leaves nothing.
  v1::DestroyTaskRequest destroy;
  destroy.set_request_id(RandomId());
  destroy.set_task_id(task->id());
  destroy.set_allow_missing(true);
  client_->DestroyTask(destroy).IgnoreError();
  return absl::FailedPreconditionError(task->exit_result().start_failure().message());
}

void AttachedRun::ForwardInterrupts(int wake_fd) {
  while (const int signal = interrupts_->Await(wake_fd)) {
    int seen;
    bool is_started;
    {
      absl::MutexLock lock(&mutex_);
      seen = ++interrupts_seen_;
      is_started = !task_id_.empty();
    }
    if (seen > 2) {
      note_("the task may still run: cloister ps");
      // Not exit(): other threads are in the middle of calls.
      _exit(kExitSignalBase + signal);
    }
    if (seen == 2) note_("killing the task; once more to leave it");
    if (is_started) Stop(seen > 1);
  }
}

void AttachedRun::Stop(bool kill) {
  v1::StopTaskRequest request;
  request.set_request_id(RandomId());
  {
    absl::MutexLock lock(&mutex_);
    request.set_task_id(task_id_);
  }
  if (kill) request.mutable_grace();  // Zero: at once.
  absl::StatusOr<v1::Task> stopped = client_->StopTask(request);
  if (!stopped.ok()) note_(absl::StrCat("could not stop the task: ", stopped.status().message()));
}

absl::Status AttachedRun::CopyOutput(v1::LogStream stream, int fd) {
  v1::ReadLogsRequest request;
  {
    absl::MutexLock lock(&mutex_);
    request.set_task_id(task_id_);
  }
  request.set_stream(stream);
  request.set_follow(true);
  bool reader_left = false;
  absl::Status copied = client_->ReadLogs(request, [&](absl::string_view bytes) {
    absl::Status written = WriteAll(fd, bytes);
    reader_left = !written.ok() && errno == EPIPE;
    return written;
  });
  if (!reader_left) return copied;
  // `cloister run -- yes | head`: as with a local command, that is how it is meant to end.
  Stop(false);
  return absl::OkStatus();
}

}  // namespace cloister
