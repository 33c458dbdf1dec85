// FakeLauncher: speaks the launcher's side of launcher.proto on a thread, and runs nothing. What
// becomes of a task is said by the first candidate of its plan:
//
//   /bin/true            Launched, Exited with 0               /run    Launched; Exited by the
//   signal of Stop or Signal /exit/N              Launched, Exited with N               /hold   no
//   answer at all /fail                LaunchFailed, step EXEC, ENOENT       /exit-first  Exited,
//   then Launched /ignore              as /run, but only SIGKILL or a stop without grace ends it
//
// Like the real one it writes `launch`, `exit` and `logs/stdout` (the first argument) beneath the
// task directory it is given, answers an inventory, repeats the exits of unforgotten tasks to a new
// controller, and leaves when it is retired and has no task.
#ifndef CLOISTER_LIBS_ENGINE_TESTING_FAKE_LAUNCHER_H_
#define CLOISTER_LIBS_ENGINE_TESTING_FAKE_LAUNCHER_H_

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "cloister/internal/launcher.pb.h"
#include "libs/base/owned_fd.h"

namespace cloister::engine {

// Thread-safe.
class FakeLauncher {
 public:
  // Serves one controller after the other on a listening socket.
  explicit FakeLauncher(OwnedFd listener);
  ~FakeLauncher();
  FakeLauncher(const FakeLauncher&) = delete;
  FakeLauncher& operator=(const FakeLauncher&) = delete;

  // Blocks until it was retired and its last task has ended.
  void AwaitRetired();

  // Blocks until a controller has sent a request that fits; all requests are kept, so also one of
  // the past.
  internal::LauncherRequest AwaitRequest(
      absl::FunctionRef<bool(const internal::LauncherRequest&)> fits);
  size_t requests() const;

  // Says it to the present controller.
  void Say(const internal::LauncherEvent& event);
  // The task ends with this wait(2) status, and says so.
  void Exit(const std::string& task_id, int wait_status);
  // Adds or replaces what an inventory says.
  void SetInventory(const internal::InventoryReply::Entry& entry);
  // Hangs up on the controller; listens for the next one.
  void HangUp();

 private:
  struct Task {
    internal::InventoryReply::Entry entry;
    OwnedFd directory;
    bool ignores_signals = false;
  };

  void Run();
  void Serve(int connection);
  void Handle(const internal::LauncherRequest& request, std::vector<OwnedFd> fds)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Launch(const internal::Launch& launch, std::vector<OwnedFd> fds)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Start(Task& task, const std::string& argument) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End(const std::string& task_id, int wait_status, bool killed_after_grace)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Deliver(const std::string& task_id, int signal, bool at_once)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Greet() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellInventory() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SayLocked(const internal::LauncherEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SayExited(const internal::Exited& exited) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const OwnedFd listener_;
  const OwnedFd wake_;
  mutable absl::Mutex mutex_;
  OwnedFd connection_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Task> tasks_ ABSL_GUARDED_BY(mutex_);
  std::vector<internal::LauncherRequest> requests_ ABSL_GUARDED_BY(mutex_);
  bool retired_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TESTING_FAKE_LAUNCHER_H_
