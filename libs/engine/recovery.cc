#include "libs/engine/recovery.h"

namespace cloister::engine {
namespace {

using Outcome = RecoveryVerdict::Outcome;

RecoveryVerdict NeverStarted(absl::string_view reason) { return {Outcome::kNeverStarted, reason}; }
RecoveryVerdict Lost(absl::string_view reason) { return {Outcome::kLost, reason}; }

}  // namespace

RecoveryVerdict DecideRecovery(const RecoveryFacts& facts) {
  // What is recorded as the end is final, whoever says what.
  switch (facts.exit_record) {
    case RecoveryFacts::ExitRecord::kExited:
      return {Outcome::kExitRecorded, ""};
    case RecoveryFacts::ExitRecord::kLaunchFailed:
      return {Outcome::kFailureRecorded, ""};
    case RecoveryFacts::ExitRecord::kNone:
      break;
  }
  // Pids, inventories and live records mean nothing in another boot; the launch record may not have
  // reached the disk.
  if (!facts.this_boot) return Lost(kLostByReboot);
  switch (facts.launcher) {
    case RecoveryFacts::Launcher::kStarting:
      return {Outcome::kStarting, ""};
    case RecoveryFacts::Launcher::kRunning:
      return {Outcome::kRunning, ""};
    case RecoveryFacts::Launcher::kStopping:
      return {Outcome::kStopping, ""};
    case RecoveryFacts::Launcher::kExited:
      return {Outcome::kExitInInventory, ""};
    case RecoveryFacts::Launcher::kUnknown:
      if (facts.launch_record == RecoveryFacts::LaunchRecord::kCloned) return Lost(kLostToLauncher);
      return NeverStarted("the launcher has not got it: the executor restarted first");
    case RecoveryFacts::Launcher::kGone:
      if (facts.launch_record != RecoveryFacts::LaunchRecord::kNone) return Lost(kLostByLauncher);
      return NeverStarted("its launcher died before it was begun");
  }
  return Lost(kLostByLauncher);
}

}  // namespace cloister::engine
