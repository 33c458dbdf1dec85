#include "libs/engine/task_watch.h"

#include <utility>

namespace cloister::engine {

TaskWatch::TaskWatch(size_t limit, std::function<void()> on_ready)
    : limit_(limit), on_ready_(std::move(on_ready)) {}

TaskWatch::Poll TaskWatch::Next(TaskEvent* event) {
  absl::MutexLock lock(&mutex_);
  if (cancelled_) return Poll::kEnd;
  for (std::deque<TaskEvent>* queue : {&snapshot_, &changes_}) {
    if (queue->empty()) continue;
    *event = std::move(queue->front());
    queue->pop_front();
    return Poll::kEvent;
  }
  if (overflow_) return Poll::kOverflow;
  if (ended_) return Poll::kEnd;
  armed_ = true;
  return Poll::kNothing;
}

void TaskWatch::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  snapshot_.clear();
  changes_.clear();
}

void TaskWatch::Preload(std::vector<TaskEvent> events) {
  absl::MutexLock lock(&mutex_);
  for (TaskEvent& event : events) snapshot_.push_back(std::move(event));
}

bool TaskWatch::Push(const TaskEvent& event) {
  absl::MutexLock lock(&mutex_);
  if (cancelled_ || overflow_ || ended_) return false;
  if (changes_.size() >= limit_) {
    // A gap must not look like a complete story: what waits is dropped with what does not fit.
    overflow_ = true;
    snapshot_.clear();
    changes_.clear();
  } else {
    changes_.push_back(event);
  }
  return TakeArmed();
}

bool TaskWatch::End() {
  absl::MutexLock lock(&mutex_);
  ended_ = true;
  return TakeArmed();
}

void TaskWatch::NotifyReady() {
  if (!cancelled()) on_ready_();
}

bool TaskWatch::cancelled() const {
  absl::MutexLock lock(&mutex_);
  return cancelled_;
}

bool TaskWatch::TakeArmed() { return std::exchange(armed_, false) && !cancelled_; }

}  // namespace cloister::engine
