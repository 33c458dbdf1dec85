// LauncherEvents: brings what launchers say, and what is found of tasks after a break, into the
// table.
#ifndef CLOISTER_LIBS_ENGINE_LAUNCHER_EVENTS_H_
#define CLOISTER_LIBS_ENGINE_LAUNCHER_EVENTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cloister/internal/launcher.pb.h"
#include "libs/base/clock.h"
#include "libs/engine/launcher_client.h"
#include "libs/engine/launcher_pool.h"
#include "libs/engine/task_destroyer.h"
#include "libs/engine/task_files.h"
#include "libs/engine/task_planner.h"
#include "libs/engine/task_starter.h"
#include "libs/engine/task_table.h"

namespace cloister::engine {

// Thread-safe.
class LauncherEvents : public LauncherListener {
 public:
  using InventoryEntry = internal::InventoryReply::Entry;

  // All of it outlives this.
  LauncherEvents(std::string boot_id, TaskTable* table, const TaskFiles* files,
                 const TaskPlanner* planner, const Clock* clock);
  // Before the first event: these need the listener for themselves.
  void Connect(LauncherPool* pool, TaskDestroyer* destroyer, TaskStarter* starter);

  // LauncherListener.
  void OnLaunched(const std::string& launcher, const internal::Launched& launched) override;
  void OnLaunchFailed(const std::string& launcher, const internal::LaunchFailed& failed) override;
  void OnExited(const std::string& launcher, const internal::Exited& exited) override;
  // These two read records from disk.
  void OnInventory(const std::string& launcher,
                   const std::vector<InventoryEntry>& entries) override;
  void OnLauncherDied(const std::string& launcher) override;

  // Brings a live task of the table to what is true of it (recovery.h). `entry` is what its
  // launcher says of it, if that lives; null if it says nothing.
  void Settle(const std::string& task_id, const TaskRecords& records, bool launcher_lives,
              const InventoryEntry* entry);

 private:
  void FailUnstarted(const std::string& task_id, absl::string_view reason);
  void Lose(const std::string& task_id, absl::string_view reason);
  // The task has ended in this change: its launcher has room again.
  void Release(const absl::StatusOr<TaskTable::Change>& change);

  const std::string boot_id_;
  TaskTable* const table_;
  const TaskFiles* const files_;
  const TaskPlanner* const planner_;
  const Clock* const clock_;
  LauncherPool* pool_ = nullptr;
  TaskDestroyer* destroyer_ = nullptr;
  TaskStarter* starter_ = nullptr;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_LAUNCHER_EVENTS_H_
