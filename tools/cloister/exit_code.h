// What `cloister` exits with, and how it says in words how a task ended.
#ifndef CLOISTER_TOOLS_CLOISTER_EXIT_CODE_H_
#define CLOISTER_TOOLS_CLOISTER_EXIT_CODE_H_

#include <string>

#include "absl/status/status.h"
#include "cloister/v1/task.pb.h"

namespace cloister {

constexpr int kExitFailure = 1;
constexpr int kExitBadInput = 2;
constexpr int kExitNotStarted = 125;
// And a killed task: kExitSignalBase + signal.
constexpr int kExitSignalBase = 128;

// Of a task that has ended: its own code, 128+n when signal n killed it, 125 when it never ran, 1
// when nobody knows.
int ExitCodeOf(const v1::ExitResult& result);

// Of a verb that failed: 2 for bad input, else `otherwise`.
int ExitCodeOf(const absl::Status& status, int otherwise);

// "exited with code 7", "killed by SIGKILL (9): out of memory", "not started: ...", "lost: launcher
// died".
std::string EndingInWords(const v1::ExitResult& result);

// "SIGTERM (15)"; "signal 99" for a number without a name.
std::string SignalInWords(int signal);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_EXIT_CODE_H_
