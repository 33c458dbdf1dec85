// Where everything of an executor is on disk. Every name is a constant of this page, and no other
// code spells one out.
//
//   <state dir>/                     0700, the executor's own; --state_dir
//     lock                           flock of the running executor, holds its pid (state_lock.h)
//     run                            link to the run directory (run_directory.h) launchers/
//       <name>/                      0700; the name is a number that grows
//         record                     LauncherRecord, by the executor (record_file.h) log the
//         launcher's stdout and stderr
//     tasks/
//       <task id>/                   0700 (task_directory.h)
//         intent                     IntentRecord, by the executor, before any side effect
//         launch                     LaunchRecord, by the launcher: before the clone, and after it
//         exit                       ExitRecord, by the launcher, once
//         logs/                      0700, not part of the task's root
//           stdout, stderr           the output, by the launcher
//         local/                     the task's own, seen by it as /local
//         tmp/                       the task's own, seen by it as /tmp
//       <task id>.removed/           a task directory that is being removed: the task is gone
//
//     artifacts/                     0700, the cache (libs/artifact/cache.h)
//     fetcher.log                    stdout and stderr of the fetcher
//
//   <run dir>/                       0700, short, not kept over a reboot; --run_dir
//     state                          link back to the state directory
//     executor.sock                  TaskService
//     launcher-<name>.sock           the executor's line to one launcher
//
// A record is replaced whole, by rename; `.<name>.tmp` is one being written and means nothing. Live
// records (intent, launch, LauncherRecord) are valid with the current boot id only. Beneath local/
// and tmp/ all is as a hostile task left it: nothing there is opened by name, and it is removed as
// task_directory.h does.
#ifndef CLOISTER_LIBS_STATE_LAYOUT_H_
#define CLOISTER_LIBS_STATE_LAYOUT_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace cloister::state {

// In the state directory.
constexpr char kLockFile[] = "lock";
constexpr char kRunLink[] = "run";
constexpr char kLaunchersDirectory[] = "launchers";
constexpr char kTasksDirectory[] = "tasks";
constexpr char kArtifactsDirectory[] = "artifacts";
constexpr char kFetcherLog[] = "fetcher.log";

// In a launcher's directory.
constexpr char kLauncherRecord[] = "record";
constexpr char kLauncherLog[] = "log";

// In a task directory.
constexpr char kIntentRecord[] = "intent";
constexpr char kLaunchRecord[] = "launch";
constexpr char kProcessRecord[] = "process";
constexpr char kExitRecord[] = "exit";
constexpr char kLogsDirectory[] = "logs";
constexpr char kStdoutLog[] = "stdout";
constexpr char kStderrLog[] = "stderr";
constexpr char kLocalDirectory[] = "local";
constexpr char kTmpDirectory[] = "tmp";

// After the name of a task directory that is being removed. Renaming is what decides: from then on
// there is no such task, whatever of it is still there.
constexpr char kRemovedSuffix[] = ".removed";

// In the run directory.
constexpr char kStateLink[] = "state";
constexpr char kExecutorSocket[] = "executor.sock";
inline std::string LauncherSocket(absl::string_view name) {
  return absl::StrCat("launcher-", name, ".sock");
}

}  // namespace cloister::state

#endif  // CLOISTER_LIBS_STATE_LAYOUT_H_
