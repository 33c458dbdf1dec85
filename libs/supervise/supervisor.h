// The launcher's view of its tasks from the clone to the end: who runs, who is being stopped, how
// each ended.
//
// The exit sequence of a task, in this order and on one thread: init is reaped; the cgroup is
// killed; the kernel's counters are read; the output is drained; the exit record is written; the
// controller is told; what the task held goes back. So whoever hears of an exit finds its output
// complete and its record written, and does not wait for what nobody needs any more.
#ifndef CLOISTER_LIBS_SUPERVISE_SUPERVISOR_H_
#define CLOISTER_LIBS_SUPERVISE_SUPERVISOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "cloister/internal/launcher.pb.h"
#include "libs/base/lull.h"
#include "libs/base/owned_fd.h"
#include "libs/cgroup/slot.h"
#include "libs/launch/launch.h"
#include "libs/logs/log_pump.h"
#include "libs/state/exit_syncer.h"
#include "libs/supervise/late_closer.h"
#include "libs/supervise/stop_timers.h"

namespace cloister {
namespace supervise {

// What another process of ours needs to enter a task. Borrowed: valid until the supervisor runs on.
struct RunningTask {
  int init;  // pidfd
  const cgroup::CgroupSlot* slot;
};

// Everything but Deposit belongs to one thread, the launcher's main thread.
class Supervisor {
 public:
  // Where events for the controller go; called on the main thread. It must not call back.
  using EventSink = std::function<void(const internal::LauncherEvent& event)>;

  // `lull` is disturbed by ends, and what they leave is cleared away in one; it outlives this.
  static absl::StatusOr<std::unique_ptr<Supervisor>> Make(EventSink sink, Lull* lull);
  ~Supervisor();

  // Announces a task whose launch was handed to a launch thread. ALREADY_EXISTS for one that is
  // known: the controller learns its state from ReportAll.
  absl::Status Begin(const std::string& task_id);

  // How a launch went: the task is watched from now on, or has ended. Deposit is for launch
  // threads; the main thread settles then what they have left.
  using LaunchResult = absl::variant<launch::LaunchedTask, internal::LaunchFailure>;
  void Settle(const std::string& task_id, LaunchResult result);
  void Deposit(std::string task_id, LaunchResult result) ABSL_LOCKS_EXCLUDED(inbox_mutex_);

  // Sends `signal`, and kills when the grace has passed; at once when it is 0. For a task that is
  // still starting, as soon as it runs. Unknown or ended tasks: nothing to do.
  void Stop(const std::string& task_id, int signal, int64_t grace_ms);

  // 0, or an errno: ESRCH for a task that does not run.
  int Signal(const std::string& task_id, int signal);

  // A task whose payload runs; nothing for any other.
  absl::optional<RunningTask> FindRunning(const std::string& task_id);

  // Forgets an ended task. A task that runs is not touched.
  void Forget(const std::string& task_id);

  // Sends the end of every ended, unforgotten task, then all tasks as one or more InventoryReply.
  void ReportAll();

  // Tasks that are not forgotten.
  size_t size() const { return tasks_.size(); }

  // Readable when RunOnce has something to do; for the launcher's own epoll.
  int fd() const { return epoll_.get(); }

  // Handles what is ready and what is due; does not wait.
  void RunOnce();

  // For the launcher's epoll_wait: milliseconds to the next kill, or -1.
  int MillisToNextKill() const;

 private:
  struct Task;
  struct Arrival {
    std::string task_id;
    LaunchResult result;
  };

  Supervisor(EventSink sink, Lull* lull);

  Task* Find(const std::string& task_id);
  Task* FindBySerial(uint64_t serial);
  absl::Status Watch(Task* task);
  void TakeArrivals() ABSL_LOCKS_EXCLUDED(inbox_mutex_);
  void Arrive(Task* task, launch::LaunchedTask process);
  void ReadReports(Task* task);
  void OnReportEnd(Task* task);
  void UnwatchReport(Task* task);
  void OnExeced(Task* task, OwnedFd payload);
  void StopRunning(Task* task, int signal, int64_t grace_ms);
  void Kill(Task* task);
  void Finish(Task* task, int init_status);
  void ReadUsage(Task* task, internal::Usage* usage);
  // Gives back all that the task held; it has ended.
  void LetGo(Task* task);
  void EndWithFailure(Task* task, internal::LaunchFailure failure);
  void SendEnd(const Task& task);

  const EventSink sink_;
  Lull* const lull_;
  OwnedFd epoll_;
  // eventfd: something is in the inbox.
  OwnedFd wake_;
  std::unique_ptr<logs::LogPump> pump_;
  std::unique_ptr<state::ExitSyncer> syncer_;
  LateCloser closer_;
  absl::flat_hash_map<std::string, std::unique_ptr<Task>> tasks_;
  // By the number that epoll carries, so that a stale event finds nothing rather than another task.
  absl::flat_hash_map<uint64_t, Task*> by_serial_;
  uint64_t next_serial_ = 1;
  StopTimers timers_;
  absl::Mutex inbox_mutex_;
  std::vector<Arrival> inbox_ ABSL_GUARDED_BY(inbox_mutex_);
};

}  // namespace supervise
}  // namespace cloister

#endif  // CLOISTER_LIBS_SUPERVISE_SUPERVISOR_H_
