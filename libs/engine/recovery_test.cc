#include "libs/engine/recovery.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace cloister::engine {
namespace {

using Exit = RecoveryFacts::ExitRecord;
using Launch = RecoveryFacts::LaunchRecord;
using Launcher = RecoveryFacts::Launcher;
using Outcome = RecoveryVerdict::Outcome;

constexpr Exit kExits[] = {Exit::kNone, Exit::kExited, Exit::kLaunchFailed};
constexpr Launch kLaunches[] = {Launch::kNone, Launch::kTaken, Launch::kCloned};
constexpr Launcher kLaunchers[] = {Launcher::kGone,    Launcher::kUnknown,  Launcher::kStarting,
                                   Launcher::kRunning, Launcher::kStopping, Launcher::kExited};

// What the header's table says, row by row, written down once more for each combination without an
// exit record.
struct Cell {
  Launcher launcher;
  Launch launch;
  Outcome outcome;
  absl::string_view lost_reason;
};
constexpr Cell kThisBoot[] = {
    {Launcher::kGone, Launch::kNone, Outcome::kNeverStarted, ""},
    {Launcher::kGone, Launch::kTaken, Outcome::kLost, "launcher died"},
    {Launcher::kGone, Launch::kCloned, Outcome::kLost, "launcher died"},
    {Launcher::kUnknown, Launch::kNone, Outcome::kNeverStarted, ""},
    {Launcher::kUnknown, Launch::kTaken, Outcome::kNeverStarted, ""},
    {Launcher::kUnknown, Launch::kCloned, Outcome::kLost, "launcher does not know it"},
    {Launcher::kStarting, Launch::kNone, Outcome::kStarting, ""},
    {Launcher::kStarting, Launch::kTaken, Outcome::kStarting, ""},
    {Launcher::kStarting, Launch::kCloned, Outcome::kStarting, ""},
    {Launcher::kRunning, Launch::kNone, Outcome::kRunning, ""},
    {Launcher::kRunning, Launch::kTaken, Outcome::kRunning, ""},
    {Launcher::kRunning, Launch::kCloned, Outcome::kRunning, ""},
    {Launcher::kStopping, Launch::kNone, Outcome::kStopping, ""},
    {Launcher::kStopping, Launch::kTaken, Outcome::kStopping, ""},
    {Launcher::kStopping, Launch::kCloned, Outcome::kStopping, ""},
    {Launcher::kExited, Launch::kNone, Outcome::kExitInInventory, ""},
    {Launcher::kExited, Launch::kTaken, Outcome::kExitInInventory, ""},
    {Launcher::kExited, Launch::kCloned, Outcome::kExitInInventory, ""},
};

std::string Words(const RecoveryFacts& facts) {
  return absl::StrCat("exit record ", static_cast<int>(facts.exit_record), ", this boot ",
                      facts.this_boot, ", launcher ", static_cast<int>(facts.launcher),
                      ", launch record ", static_cast<int>(facts.launch_record));
}

TEST(Recovery, EveryCellOfThisBootIsAsDocumented) {
  ASSERT_EQ(std::size(kThisBoot), std::size(kLaunchers) * std::size(kLaunches));
  for (const Cell& cell : kThisBoot) {
    const RecoveryFacts facts = {Exit::kNone, true, cell.launcher, cell.launch};
    const RecoveryVerdict verdict = DecideRecovery(facts);
    EXPECT_EQ(verdict.outcome, cell.outcome) << Words(facts);
    if (cell.outcome == Outcome::kLost) {
      EXPECT_EQ(verdict.reason, cell.lost_reason) << Words(facts);
    }
    EXPECT_EQ(verdict.reason.empty(),
              cell.outcome != Outcome::kLost && cell.outcome != Outcome::kNeverStarted);
  }
}

TEST(Recovery, WhatIsRecordedAsTheEndIsFinalAndAnotherBootLosesTheRest) {
  for (Exit exit : kExits) {
    for (bool this_boot : {true, false}) {
      for (Launcher launcher : kLaunchers) {
        for (Launch launch : kLaunches) {
          const RecoveryFacts facts = {exit, this_boot, launcher, launch};
          const RecoveryVerdict verdict = DecideRecovery(facts);
          if (exit == Exit::kExited) {
            EXPECT_EQ(verdict.outcome, Outcome::kExitRecorded) << Words(facts);
          } else if (exit == Exit::kLaunchFailed) {
            EXPECT_EQ(verdict.outcome, Outcome::kFailureRecorded) << Words(facts);
          } else if (!this_boot) {
            EXPECT_EQ(verdict.outcome, Outcome::kLost) << Words(facts);
            EXPECT_EQ(verdict.reason, "node rebooted") << Words(facts);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace cloister::engine
