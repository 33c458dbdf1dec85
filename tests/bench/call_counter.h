// How many system calls a thread makes, and all that it starts from then on: what a launch costs
// where time says nothing, as in an emulated machine. By the tracepoint raw_syscalls:sys_enter
// (perf_event_open(2)), which slows down what is timed at the same time.
#ifndef CLOISTER_TESTS_BENCH_CALL_COUNTER_H_
#define CLOISTER_TESTS_BENCH_CALL_COUNTER_H_

#include <sys/types.h>

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"

namespace cloister::bench {

class CallCounter {
 public:
  // Needs root and a kernel with tracepoints, and is refused to a thread that launches tasks.
  static absl::StatusOr<CallCounter> Start(pid_t thread);

  // Since the start; what was started counts when it has ended.
  absl::StatusOr<int64_t> Read() const;

 private:
  explicit CallCounter(OwnedFd event) : event_(std::move(event)) {}

  OwnedFd event_;
};

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_CALL_COUNTER_H_
