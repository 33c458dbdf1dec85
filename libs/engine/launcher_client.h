// LauncherClient: one connection to one launcher. Requests go out on the caller's thread; what the
// launcher says comes in on one reader thread of the client's.
#ifndef CLOISTER_LIBS_ENGINE_LAUNCHER_CLIENT_H_
#define CLOISTER_LIBS_ENGINE_LAUNCHER_CLIENT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "cloister/internal/launcher.pb.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/os/pidfd.h"
#include "libs/seccomp/program_cache.h"

namespace cloister::engine {

// Hears what a launcher says: on its client's reader thread, one call at a time, in the order of
// the wire. An implementation must not block, and must not send to the launcher: one whose socket
// is full waits for this very thread.
class LauncherListener {
 public:
  virtual ~LauncherListener() = default;
  virtual void OnLaunched(const std::string& launcher, const internal::Launched& launched) = 0;
  virtual void OnLaunchFailed(const std::string& launcher,
                              const internal::LaunchFailed& failed) = 0;
  virtual void OnExited(const std::string& launcher, const internal::Exited& exited) = 0;
  // The connection broke and was made anew, the launcher living on; this is what it has. A task
  // that is not in it has no process and never will.
  virtual void OnInventory(const std::string& launcher,
                           const std::vector<internal::InventoryReply::Entry>& entries) = 0;
  // Its process has ended, and with it its tasks. The last call.
  virtual void OnLauncherDied(const std::string& launcher) = 0;
};

// Thread-safe, except that Start comes before all other use.
class LauncherClient {
 public:
  struct Target {
    std::string name;
    std::string socket_path;
    PidFd process;
    // It is a child of this process, which then reaps it.
    bool is_child = false;
    // Of the seccomp profiles that plans name.
    std::shared_ptr<seccomp::ProgramCache> programs = std::make_shared<seccomp::ProgramCache>();
  };

  // Connects and says Hello, waiting at most `patience`. Events are kept back until Start. `target`
  // is moved from only on success.
  static absl::StatusOr<std::unique_ptr<LauncherClient>> Connect(Target* target,
                                                                 absl::Duration patience);
  // Stops listening and closes the connection; the launcher goes on. Not on the reader thread.
  ~LauncherClient();
  LauncherClient(const LauncherClient&) = delete;
  LauncherClient& operator=(const LauncherClient&) = delete;

  // What the launcher has, before Start only.
  absl::StatusOr<std::vector<internal::InventoryReply::Entry>> Inventory(absl::Duration patience);

  // From now on `listener` hears all that has come and comes. It outlives the client.
  void Start(LauncherListener* listener);

  // UNAVAILABLE: not sent, because the launcher is gone or hangs. Before the first plan that names
  // a seccomp profile its program is sent, on each connection anew.
  absl::Status Launch(const std::string& task_id, const internal::LaunchPlan& plan,
                      int task_directory);
  absl::Status Stop(const std::string& task_id, int signal, int64_t grace_ms);
  absl::Status Join(const internal::Join& join, absl::Span<const int> fds);
  absl::Status Forget(const std::string& task_id);
  absl::Status Prepare(const internal::LaunchPlan& plan);
  absl::Status Retire();

  // `done` gets OK when the signal is delivered, NOT_FOUND when there is no process to take it,
  // UNAVAILABLE when the launcher is gone. On the reader thread, or on the caller's if it cannot be
  // sent.
  using SignalCallback = absl::AnyInvocable<void(absl::Status) &&>;
  void Signal(const std::string& task_id, int signal, SignalCallback done);

  const std::string& name() const { return target_.name; }

 private:
  LauncherClient(Target target, OwnedFd socket, OwnedFd wake);

  enum class Wake { kSocket, kProcessEnded, kStop, kTimeout };
  // Waits for one of them; the socket only if `socket` is not -1.
  Wake Await(int socket, int timeout_ms) const;

  void Run(LauncherListener* listener);
  // Delivers until the connection breaks (true) or the client is stopped or the process has ended
  // (false).
  bool Listen(int socket, LauncherListener* listener);
  // A new connection to a living launcher; null when the process has ended or the client is
  // stopped.
  std::shared_ptr<OwnedFd> Reconnect(LauncherListener* listener);
  void Deliver(const internal::LauncherEvent& event, LauncherListener* listener);
  void FinishSignal(const internal::SignalResult& result);
  void FailSignals(const absl::Status& status);
  void BuryProcess(LauncherListener* listener);
  std::shared_ptr<OwnedFd> socket() const;
  absl::Status Send(const internal::LauncherRequest& request) const;
  absl::Status SendProgram(const std::shared_ptr<OwnedFd>& socket,
                           const internal::LaunchPlan& plan);

  const Target target_;
  // Readable when the reader must leave.
  const OwnedFd wake_;
  // Events that came before Start; then the reader's.
  std::vector<internal::LauncherEvent> backlog_;
  std::thread reader_;
  mutable absl::Mutex mutex_;
  // Shared, so that a sender on another thread keeps the descriptor while the reader replaces it.
  std::shared_ptr<OwnedFd> socket_ ABSL_GUARDED_BY(mutex_);
  // Hashes of what was sent on it.
  std::set<std::string> sent_programs_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, SignalCallback> signals_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_call_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_LAUNCHER_CLIENT_H_
