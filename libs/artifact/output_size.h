// What a cell has made so far, looked at from outside while it runs: the kernel limits each of its
// files, and nobody their sum.
#ifndef CLOISTER_LIBS_ARTIFACT_OUTPUT_SIZE_H_
#define CLOISTER_LIBS_ARTIFACT_OUTPUT_SIZE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace cloister::artifact {

// 0: no limit.
struct OutputLimits {
  // Of all files that have a name, holes not counted, and of how many there are.
  uint64_t bytes = 0;
  uint64_t entries = 0;
  // Of all that was ever written, also to files that have no name any more, and to pages that are
  // mapped: what is on the disk can be no more.
  uint64_t written = 0;
};

// Of what is beneath `directory` (borrowed), which changes meanwhile: what goes is passed over. No
// link is followed, and nothing but directories opened. RESOURCE_EXHAUSTED names the limit.
absl::Status CheckOutputSize(int directory, const OutputLimits& limits);

// Of the processes of a cgroup, by its file cgroup.procs: their write_bytes (proc_pid_io(5)), which
// are those that the kernel will have to store; files in memory are counted as the cgroup's memory.
// OK where it cannot be read. RESOURCE_EXHAUSTED names the limit.
absl::Status CheckWritten(const std::string& processes, const OutputLimits& limits);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_OUTPUT_SIZE_H_
