// LauncherPool: the launchers of one executor. Each takes up to a number of tasks at once (a
// bounded blast radius); a new one is spawned before the last is full. Launchers outlive the
// executor: a restarted one finds them by their records. After an upgrade new tasks go to new
// launchers, and an old one leaves with its last task.
#ifndef CLOISTER_LIBS_ENGINE_LAUNCHER_POOL_H_
#define CLOISTER_LIBS_ENGINE_LAUNCHER_POOL_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cloister/internal/launcher.pb.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/engine/launcher_client.h"
#include "libs/engine/launcher_directory.h"
#include "libs/seccomp/program_cache.h"

namespace cloister::engine {

struct LauncherPoolOptions {
  LauncherProgram program;
  int tasks_per_launcher = 256;
  // What most tasks look like: made ready in each new launcher, so that its first task does not pay
  // for it. May be empty.
  internal::LaunchPlan prepare;
  // Kills and removes all cgroup slots of a dead launcher, by its slot prefix. May be null.
  std::function<absl::Status(const std::string& slot_prefix)> sweep_slots;
  // Hears of what goes wrong with nobody to tell it to.
  std::function<void(const absl::Status&)> on_trouble;
};

// Thread-safe.
class LauncherPool : private LauncherListener {
 public:
  // `launchers` is the state directory's folder of that name. `listener` hears all launchers, each
  // on a thread of its own; OnLauncherDied comes after the launcher's cgroup slots are swept, and
  // it may block then. It outlives the pool.
  LauncherPool(OwnedFd launchers, LauncherPoolOptions options, LauncherListener* listener);
  ~LauncherPool() override;
  LauncherPool(const LauncherPool&) = delete;
  LauncherPool& operator=(const LauncherPool&) = delete;

  struct Recovered {
    // Every living launcher, by name, with what it has.
    std::map<std::string, std::vector<internal::InventoryReply::Entry>> inventories;
  };
  // Connects to the launchers of an earlier executor of this boot, and removes what is left of
  // those that are gone. Before Start. An error names the launcher that lives and does not answer.
  absl::StatusOr<Recovered> Recover();

  // Events begin. With `loads`, the number of live tasks of each recovered launcher. Spawns a
  // launcher if there is none with room; an error says why that failed, and the pool is of use all
  // the same.
  absl::Status Start(const std::map<std::string, int>& loads);

  // A launcher with room for one more task, which counts from now on until Release. Waits for one
  // to be spawned where need be. UNAVAILABLE (NO_LAUNCHER) says why there is none.
  absl::StatusOr<std::shared_ptr<LauncherClient>> Take();
  // The task does not run, or not any more.
  void Release(const std::string& launcher);

  // Null for one that is gone.
  std::shared_ptr<LauncherClient> Find(absl::string_view launcher) const;

  // For a shutdown: has launchers without tasks leave, and waits until nothing of them is left, at
  // most `patience`. What is left then is cleared away at the next start.
  void RetireIdle(absl::Duration patience);

  // Closes the connections; launchers and tasks go on. No call of the listener's is under way or
  // comes afterwards, and Find finds nothing. The destructor does it, if nobody has.
  void Close();

 private:
  struct Launcher {
    std::shared_ptr<LauncherClient> client;
    int load = 0;
    // No new tasks: of another version, retired, or dead.
    bool closed = false;
  };

  void OnLaunched(const std::string& launcher, const internal::Launched& launched) override;
  void OnLaunchFailed(const std::string& launcher, const internal::LaunchFailed& failed) override;
  void OnExited(const std::string& launcher, const internal::Exited& exited) override;
  void OnInventory(const std::string& launcher,
                   const std::vector<internal::InventoryReply::Entry>& entries) override;
  void OnLauncherDied(const std::string& launcher) override;

  // The record's launcher, or null if it is gone.
  absl::StatusOr<std::unique_ptr<LauncherClient>> Reconnect(const std::string& name);
  void RunSpawner();
  absl::StatusOr<std::unique_ptr<LauncherClient>> SpawnAndConnect();
  absl::Status SpawnOne();
  void Bury(const std::string& name);
  void Sweep(const std::string& name);
  void Trouble(const absl::Status& status) const;
  Launcher* PickOpen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool RunsLow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const LauncherDirectory directory_;
  const LauncherPoolOptions options_;
  LauncherListener* const listener_;
  // Compiled once for all launchers.
  const std::shared_ptr<seccomp::ProgramCache> programs_ =
      std::make_shared<seccomp::ProgramCache>();
  mutable absl::Mutex mutex_;
  std::map<std::string, Launcher, std::less<>> launchers_ ABSL_GUARDED_BY(mutex_);
  bool spawn_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  // Counts attempts, so that a waiter tells an old failure from one after its asking.
  uint64_t spawns_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status spawn_status_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> burials_ ABSL_GUARDED_BY(mutex_);
  std::thread spawner_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_LAUNCHER_POOL_H_
