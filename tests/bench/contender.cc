#include "tests/bench/contender.h"

#include <atomic>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/status_macros.h"

namespace cloister::bench {
namespace {

struct Worker {
  StartTimes times;
  absl::Status status;
  std::thread thread;
};

void Append(const std::vector<absl::Duration>& more, std::vector<absl::Duration>* all) {
  all->insert(all->end(), more.begin(), more.end());
}

}  // namespace

absl::Status Contender::TimeOne(int worker, StartTimes* times) {
  const RealClock clock;
  const absl::Duration start = clock.Monotonic();
  CLOISTER_RETURN_IF_ERROR(StartToExit(worker));
  const absl::Duration exited = clock.Monotonic();
  CLOISTER_RETURN_IF_ERROR(Forget(worker));
  times->latencies.push_back(exited - start);
  times->afterwards.push_back(clock.Monotonic() - exited);
  return absl::OkStatus();
}

absl::Status Contender::TimeMany(int at_once, int count, StartTimes* times) {
  std::atomic<int> left(count);
  std::vector<Worker> workers(static_cast<size_t>(at_once));
  for (int number = 0; number < at_once; ++number) {
    Worker* worker = &workers[static_cast<size_t>(number)];
    worker->thread = std::thread([=, &left] {
      while (worker->status.ok() && left.fetch_sub(1) > 0) {
        worker->status = TimeOne(number, &worker->times);
      }
    });
  }
  absl::Status first;
  for (Worker& worker : workers) {
    worker.thread.join();
    first.Update(worker.status);
    Append(worker.times.latencies, &times->latencies);
    Append(worker.times.afterwards, &times->afterwards);
  }
  return first;
}

}  // namespace cloister::bench
