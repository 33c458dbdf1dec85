// When a grace period ends for which task. Owned by the launcher: a dead executor's stop still gets
// its kill.
#ifndef CLOISTER_LIBS_SUPERVISE_STOP_TIMERS_H_
#define CLOISTER_LIBS_SUPERVISE_STOP_TIMERS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cloister {
namespace supervise {

// Times are milliseconds of a monotonic clock. Not thread-safe.
class StopTimers {
 public:
  // An earlier deadline replaces a later one, never the other way: the shorter grace wins. True if
  // it is now the first.
  bool Set(const std::string& task_id, int64_t deadline_ms);
  void Cancel(const std::string& task_id);

  // Takes out and returns the tasks whose deadline is at or before `now_ms`.
  std::vector<std::string> TakeDue(int64_t now_ms);

  // Milliseconds to the next deadline, at least 0; -1 if there is none: epoll_wait's timeout.
  int MillisToNext(int64_t now_ms) const;

 private:
  std::map<std::string, int64_t> deadlines_;
  std::set<std::pair<int64_t, std::string>> queue_;
};

}  // namespace supervise
}  // namespace cloister

#endif  // CLOISTER_LIBS_SUPERVISE_STOP_TIMERS_H_
