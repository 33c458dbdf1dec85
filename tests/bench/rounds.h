// Measures contenders against each other: in rounds, each contender a turn in every round, so that
// whatever else the machine does meanwhile meets all of them alike.
#ifndef CLOISTER_TESTS_BENCH_ROUNDS_H_
#define CLOISTER_TESTS_BENCH_ROUNDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/bench/contender.h"
#include "tests/bench/measurement.h"

namespace cloister::bench {

// How starts follow each other within a turn.
struct Pattern {
  // As in --pattern.
  std::string name;
  // In tables.
  std::string words;
  // Starts that run at the same time, 1 to kWorkers.
  int at_once = 1;
  // Idle time after each.
  absl::Duration gap;
  // Starts in one turn, and starts before them that are not counted: they find the caches full of
  // someone else's.
  int turn = 1;
  int warm_up = 0;
};

// tight, apart and parallel.
const std::vector<Pattern>& Patterns();

class Rounds {
 public:
  // `interrupt_fd` (borrowed): when it is readable, measuring ends with CANCELLED.
  explicit Rounds(int interrupt_fd) : interrupt_fd_(interrupt_fd) {}

  // How busy the machine is while nothing is started, as a share of one processor: it is taken off
  // what is measured. Waits for `duration`.
  absl::Status MeasureBackground(absl::Duration duration);
  double background() const { return background_; }

  // `iterations` starts of each contender, not counting warm-ups. Measurements are in the order of
  // the contenders, extra_mounts left 0. An error of a contender comes with its name.
  absl::StatusOr<std::vector<Measurement>> Run(const std::vector<Contender*>& contenders,
                                               const Pattern& pattern, int iterations);

 private:
  absl::Status Turn(const Pattern& pattern, int count, Contender* contender,
                    Measurement* measurement);
  absl::Status OneAfterTheOther(const Pattern& pattern, int count, Contender* contender,
                                StartTimes* times) const;
  // CANCELLED when there is an interrupt before `duration` has passed.
  absl::Status Wait(absl::Duration duration) const;

  const int interrupt_fd_;
  double background_ = 0;
};

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_ROUNDS_H_
