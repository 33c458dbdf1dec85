// How busy the whole machine is: what a start costs is spread over processes, kernel threads and
// work that the kernel does later, and only the machine's total has it all. Source: proc(5),
// /proc/stat.
#ifndef CLOISTER_TESTS_BENCH_MACHINE_CPU_H_
#define CLOISTER_TESTS_BENCH_MACHINE_CPU_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace cloister::bench {

struct MachineCpu {
  // Since boot, all processors together: idle, waiting for I/O, or taken away by a hypervisor. The
  // kernel measures idleness; what it tells of "user" and "system" time it estimates from ticks.
  absl::Duration idle;
  int processors = 0;
  // When this was read, by the monotonic clock.
  absl::Duration time;
};

absl::StatusOr<MachineCpu> ReadMachineCpu();
// INVALID_ARGUMENT shows the text that is no /proc/stat.
absl::StatusOr<MachineCpu> ParseMachineCpu(absl::string_view stat, int ticks_per_second);

// Processor time that was used between two readings, of all processors together. Exact to some
// 10 ms: /proc/stat counts in hundredths of a second.
absl::Duration BusyBetween(const MachineCpu& before, const MachineCpu& after);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_MACHINE_CPU_H_
