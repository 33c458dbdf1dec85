// The records that the launcher keeps in a task's directory: what it is about to make, what it has
// made, how it ended.
#ifndef CLOISTER_LIBS_LAUNCH_LAUNCH_RECORD_H_
#define CLOISTER_LIBS_LAUNCH_LAUNCH_RECORD_H_

#include <string>

#include "absl/status/status.h"
#include "cloister/internal/launch_record.pb.h"
#include "libs/launch/launch.h"

namespace cloister {
namespace launch {

// File `launch`: the task's cgroup directories. Not synced: it is void after a reboot.
absl::Status WriteLaunchRecord(int task_directory, const std::string& boot_id,
                               const LaunchedTask& task);

// File `process`: its init. A file of its own, because ext4 starts write-back of what is renamed
// over an existing file, in the middle of a start.
absl::Status WriteProcessRecord(int task_directory, const std::string& boot_id,
                                const LaunchedTask& task);

// File `exit`: final. The caller has it synced.
absl::Status WriteExitRecord(int task_directory, const internal::ExitRecord& record);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_LAUNCH_RECORD_H_
