#include "tests/bench/rounds.h"

#include <errno.h>
#include <poll.h>

#include <algorithm>

#include "libs/base/clock.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "tests/bench/machine_cpu.h"

namespace cloister::bench {
const std::vector<Pattern>& Patterns() {
  // Turns are long against the hundredths of a second in which the kernel tells processor time.
  static const auto* const patterns = new std::vector<Pattern>{
      {"tight", "one after the other", 1, absl::ZeroDuration(), 20, 2},
      {"apart", "40 ms apart", 1, absl::Milliseconds(40), 10, 0},
      {"parallel", "16 at once", kWorkers, absl::ZeroDuration(), 4 * kWorkers, 0},
  };
  return *patterns;
}

absl::Status Rounds::MeasureBackground(absl::Duration duration) {
  CLOISTER_ASSIGN_OR_RETURN(const MachineCpu before, ReadMachineCpu());
  CLOISTER_RETURN_IF_ERROR(Wait(duration));
  CLOISTER_ASSIGN_OR_RETURN(const MachineCpu after, ReadMachineCpu());
  background_ = absl::FDivDuration(BusyBetween(before, after), after.time - before.time);
  background_ = std::max(background_, 0.0);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Measurement>> Rounds::Run(const std::vector<Contender*>& contenders,
                                                     const Pattern& pattern, int iterations) {
  std::vector<Measurement> measurements(contenders.size());
  for (size_t i = 0; i < contenders.size(); ++i) {
    measurements[i].contender = contenders[i]->name();
    measurements[i].pattern = pattern.name;
  }
  int done = 0;
  for (size_t round = 0; done < iterations; ++round) {
    const int count = std::min(pattern.turn, iterations - done);
    for (size_t i = 0; i < contenders.size(); ++i) {
      // Another one begins in each round, so that nobody always follows the same.
      const size_t place = (i + round) % contenders.size();
      const absl::Status status = Turn(pattern, count, contenders[place], &measurements[place]);
      // An interrupt is nobody's failure.
      if (absl::IsCancelled(status)) return status;
      CLOISTER_RETURN_IF_ERROR(Annotate(status, contenders[place]->name()));
    }
    done += count;
  }
  return measurements;
}

absl::Status Rounds::Turn(const Pattern& pattern, int count, Contender* contender,
                          Measurement* measurement) {
  StartTimes not_counted;
  CLOISTER_RETURN_IF_ERROR(OneAfterTheOther(pattern, pattern.warm_up, contender, &not_counted));
  CLOISTER_ASSIGN_OR_RETURN(const MachineCpu before, ReadMachineCpu());
  if (pattern.at_once == 1) {
    CLOISTER_RETURN_IF_ERROR(OneAfterTheOther(pattern, count, contender, &measurement->times));
  } else {
    CLOISTER_RETURN_IF_ERROR(contender->TimeMany(pattern.at_once, count, &measurement->times));
    CLOISTER_RETURN_IF_ERROR(Wait(absl::ZeroDuration()));
  }
  CLOISTER_ASSIGN_OR_RETURN(const MachineCpu after, ReadMachineCpu());
  const absl::Duration wall = after.time - before.time;
  measurement->wall += wall;
  measurement->cpu += BusyBetween(before, after) - background_ * wall;
  return absl::OkStatus();
}

absl::Status Rounds::OneAfterTheOther(const Pattern& pattern, int count, Contender* contender,
                                      StartTimes* times) const {
  for (int i = 0; i < count; ++i) {
    CLOISTER_RETURN_IF_ERROR(contender->TimeOne(0, times));
    CLOISTER_RETURN_IF_ERROR(Wait(pattern.gap));
  }
  return absl::OkStatus();
}

absl::Status Rounds::Wait(absl::Duration duration) const {
  const RealClock clock;
  const absl::Duration end = clock.Monotonic() + duration;
  for (;;) {
    const absl::Duration left = std::max(end - clock.Monotonic(), absl::ZeroDuration());
    pollfd interrupt = {interrupt_fd_, POLLIN, 0};
    const timespec timeout = absl::ToTimespec(left);
    const int ready = ppoll(&interrupt, 1, &timeout, nullptr);
    if (ready > 0) return absl::CancelledError("interrupted");
    if (ready == 0) return absl::OkStatus();
    if (errno != EINTR) return ErrnoStatus(errno, "ppoll");
  }
}

}  // namespace cloister::bench
