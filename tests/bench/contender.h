// One way of starting a process and waiting for its end, as the benchmark compares them.
#ifndef CLOISTER_TESTS_BENCH_CONTENDER_H_
#define CLOISTER_TESTS_BENCH_CONTENDER_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "tests/bench/measurement.h"

namespace cloister::bench {

// Most starts at once. Each has a worker number of its own, 0 to kWorkers - 1, and with it its own
// container or task.
constexpr int kWorkers = 16;

class Contender {
 public:
  explicit Contender(std::string name) : name_(std::move(name)) {}
  virtual ~Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;

  // As in --only and in the tables.
  const std::string& name() const { return name_; }

  // From asking for the start until the exit code, 0, is known. This is what is timed.
  virtual absl::Status StartToExit(int worker) = 0;

  // What is to be done before the worker starts anew, if anything. Not part of the latency, but of
  // the rate and of the processor time.
  virtual absl::Status Forget(int worker) {
    static_cast<void>(worker);
    return absl::OkStatus();
  }

  // StartToExit and Forget, timed.
  absl::Status TimeOne(int worker, StartTimes* times);

  // `count` starts, `at_once` of them at any time (1 to kWorkers), timed as TimeOne does. From as
  // many threads, unless a contender has a cheaper way of asking for several. Ends after the first
  // that fails.
  virtual absl::Status TimeMany(int at_once, int count, StartTimes* times);

 private:
  const std::string name_;
};

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_CONTENDER_H_
