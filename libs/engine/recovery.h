// What is true of a task, decided from its records and what its launcher says: after a restart of
// the executor, after a connection that broke, and after a launcher that died. A table; pure.
//
//   exit record  boot     launcher says     launch record   the task is
//   exited       any      anything          any             EXITED, as recorded
//   failed       any      anything          any             EXITED, never ran: as recorded
//   none         another  anything          any             LOST "node rebooted"
//   none         this     it has it         any             as the launcher says
//   none         this     it has it not     none, taken     EXITED, never ran (the launch never
//   arrived, or failed) none         this     it has it not     cloned          LOST "launcher does
//   not know it" none         this     nothing: is gone  none            EXITED, never ran none
//   this     nothing: is gone  taken, cloned   LOST "launcher died"
//
// "taken" is a launch record without a pid: written right before the clone, so whether there was
// one is not known.
#ifndef CLOISTER_LIBS_ENGINE_RECOVERY_H_
#define CLOISTER_LIBS_ENGINE_RECOVERY_H_

#include "absl/strings/string_view.h"

namespace cloister::engine {

struct RecoveryFacts {
  enum class ExitRecord { kNone, kExited, kLaunchFailed };
  enum class LaunchRecord { kNone, kTaken, kCloned };
  // What the launcher's inventory says.
  enum class Launcher { kGone, kUnknown, kStarting, kRunning, kStopping, kExited };

  ExitRecord exit_record = ExitRecord::kNone;
  // The intent was recorded in the boot that we are in.
  bool this_boot = true;
  Launcher launcher = Launcher::kGone;
  LaunchRecord launch_record = LaunchRecord::kNone;
};

struct RecoveryVerdict {
  enum class Outcome {
    kExitRecorded,
    kFailureRecorded,
    kExitInInventory,
    kNeverStarted,
    kStarting,
    kRunning,
    kStopping,
    kLost,
  };
  Outcome outcome = Outcome::kLost;
  // kLost, kNeverStarted: why, for people.
  absl::string_view reason;
};

inline constexpr absl::string_view kLostByReboot = "node rebooted";
inline constexpr absl::string_view kLostByLauncher = "launcher died";
inline constexpr absl::string_view kLostToLauncher = "launcher does not know it";

RecoveryVerdict DecideRecovery(const RecoveryFacts& facts);

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_RECOVERY_H_
