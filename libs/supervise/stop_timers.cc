#include "libs/supervise/stop_timers.h"

#include <algorithm>

namespace cloister {
namespace supervise {

bool StopTimers::Set(const std::string& task_id, int64_t deadline_ms) {
  auto found = deadlines_.find(task_id);
  if (found != deadlines_.end()) {
    if (found->second <= deadline_ms) return false;
    queue_.erase({found->second, task_id});
  }
  deadlines_[task_id] = deadline_ms;
  queue_.insert({deadline_ms, task_id});
  return queue_.begin()->second == task_id;
}

void StopTimers::Cancel(const std::string& task_id) {
  auto found = deadlines_.find(task_id);
  if (found == deadlines_.end()) return;
  queue_.erase({found->second, task_id});
  deadlines_.erase(found);
}

std::vector<std::string> StopTimers::TakeDue(int64_t now_ms) {
  std::vector<std::string> due;
  while (!queue_.empty() && queue_.begin()->first <= now_ms) {
    due.push_back(queue_.begin()->second);
    deadlines_.erase(due.back());
    queue_.erase(queue_.begin());
  }
  return due;
}

int StopTimers::MillisToNext(int64_t now_ms) const {
  if (queue_.empty()) return -1;
  constexpr int64_t kLongest = 1 << 30;
  return static_cast<int>(std::min(kLongest, std::max<int64_t>(0, queue_.begin()->first - now_ms)));
}

}  // namespace supervise
}  // namespace cloister
