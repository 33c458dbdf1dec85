// Names of signals (signal(7)), as `kill_signal`, StopTask and SignalTask spell them.
#ifndef CLOISTER_LIBS_TASK_SIGNAL_NAME_H_
#define CLOISTER_LIBS_TASK_SIGNAL_NAME_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cloister::task {

// "SIGTERM", "TERM", "sigterm" and "15" give 15; "SIGRTMIN+3" and "RTMAX-1" work too (SIGRTMIN is
// the C library's, 34). None for anything else, for 0 and for numbers above 64.
absl::optional<int> SignalNumber(absl::string_view text);

// "SIGTERM" for 15, "SIGRTMIN+3" for 37, "signal 99" for a number that is none.
std::string SignalName(int number);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_SIGNAL_NAME_H_
