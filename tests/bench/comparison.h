// One run of the start-latency benchmark: sets everybody up, measures, takes everything down again.
#ifndef CLOISTER_TESTS_BENCH_COMPARISON_H_
#define CLOISTER_TESTS_BENCH_COMPARISON_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/bench/report.h"
#include "tests/bench/rounds.h"

namespace cloister::bench {

struct ComparisonOptions {
  // Names of report.h. One that is not installed is an error.
  std::vector<std::string> contenders;
  std::vector<Pattern> patterns;
  // A scenario for each: 0, or how many mounts the machine is given on top of its own.
  std::vector<int> extra_mounts;
  // Of each contender, in each pattern and scenario.
  int iterations = 0;
  // Directory in which the run makes one of its own: state, bundles, root directories. On the kind
  // of file system that a node has.
  std::string base_directory;
  // Borrowed; when it is readable, the run ends early, with CANCELLED.
  int interrupt_fd = -1;
  // One line for each thing that takes a while. May be null.
  std::function<void(absl::string_view)> progress;
};

// Needs root, and EnterPrivateMounts before. Whatever happens, no mount, cgroup, process or file is
// left; INTERNAL names one that is.
absl::StatusOr<Report> Compare(const ComparisonOptions& options);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_COMPARISON_H_
