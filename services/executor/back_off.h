// How long to wait before the next try: doubling, with jitter so that all nodes of a frontend that
// came back do not arrive at once.
#ifndef CLOISTER_SERVICES_EXECUTOR_BACK_OFF_H_
#define CLOISTER_SERVICES_EXECUTOR_BACK_OFF_H_

#include <algorithm>

#include "absl/random/random.h"
#include "absl/time/time.h"

namespace cloister::executor {

class BackOff {
 public:
  // 0 < min <= max.
  BackOff(absl::Duration min, absl::Duration max) : min_(min), max_(max), next_(min) {}

  // Between half of a step and the whole. The first step is `min`, each further one twice as long,
  // at most `max`.
  absl::Duration Next() {
    const absl::Duration step = next_;
    next_ = std::min(2 * next_, max_);
    return step * absl::Uniform(random_, 0.5, 1.0);
  }
  // It worked: begin again with `min`.
  void Reset() { next_ = min_; }

 private:
  const absl::Duration min_;
  const absl::Duration max_;
  absl::Duration next_;
  absl::BitGen random_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_BACK_OFF_H_
