#include "libs/launch/launch_record.h"

#include "libs/state/layout.h"
#include "libs/state/record_file.h"

namespace cloister {
namespace launch {

absl::Status WriteLaunchRecord(int task_directory, const std::string& boot_id,
                               const LaunchedTask& task) {
  internal::LaunchRecord record;
  record.set_task_id(task.task_id);
  record.set_boot_id(boot_id);
  for (const cgroup::SlotDirectory& directory : task.slot.directories()) {
    internal::LaunchRecord::Slot* slot = record.add_slots();
    slot->set_mount_point(directory.mount_point);
    slot->set_path(directory.path);
  }
  return state::WriteRecord(task_directory, state::kLaunchRecord, record.SerializeAsString());
}

absl::Status WriteProcessRecord(int task_directory, const std::string& boot_id,
                                const LaunchedTask& task) {
  internal::LaunchRecord record;
  record.set_task_id(task.task_id);
  record.set_boot_id(boot_id);
  record.mutable_launched()->set_task_id(task.task_id);
  record.mutable_launched()->set_pid(task.pid);
  record.mutable_launched()->set_start_time_ticks(task.start_time_ticks);
  return state::WriteRecord(task_directory, state::kProcessRecord, record.SerializeAsString());
}

absl::Status WriteExitRecord(int task_directory, const internal::ExitRecord& record) {
  return state::WriteRecord(task_directory, state::kExitRecord, record.SerializeAsString());
}

}  // namespace launch
}  // namespace cloister
