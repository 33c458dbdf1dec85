// Moves tasks' output from their pipes into their log files, on a thread of its own, so that a slow
// disk does not hold up launches, stops and exits. The pipe is the back-pressure: a task that
// writes faster than the disk waits in write(2).
#ifndef CLOISTER_LIBS_LOGS_LOG_PUMP_H_
#define CLOISTER_LIBS_LOGS_LOG_PUMP_H_

#include <cstdint>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/owned_fd.h"

namespace cloister {
namespace logs {

struct LogTotals {
  uint64_t written = 0;
  // What the file refused (disk full, I/O error). A task is never blocked or killed for it; the
  // number says so.
  uint64_t dropped = 0;
};

// Thread-safe.
class LogPump {
 public:
  static absl::StatusOr<std::unique_ptr<LogPump>> Start();
  ~LogPump();
  LogPump(const LogPump&) = delete;
  LogPump& operator=(const LogPump&) = delete;

  // `pipe` is a non-blocking read end, `file` open for appending. `writer`, which may be invalid,
  // is an end to write that nobody writes to: with it the end of the last writer wakes nobody here.
  absl::StatusOr<uint64_t> Add(OwnedFd pipe, OwnedFd writer, OwnedFd file)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // To be called when the writers are dead: moves what is still in the pipe, and closes all. Does
  // not wait for the end of file: a task may have passed its end to somebody who lives on.
  LogTotals Finish(uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Log;

  explicit LogPump(OwnedFd epoll, OwnedFd wake)
      : epoll_(std::move(epoll)), wake_(std::move(wake)) {}
  void Run();
  std::shared_ptr<Log> Find(uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);

  OwnedFd epoll_;
  // eventfd; readable when the thread is to end.
  OwnedFd wake_;
  absl::Mutex mutex_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<uint64_t, std::shared_ptr<Log>> logs_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace logs
}  // namespace cloister

#endif  // CLOISTER_LIBS_LOGS_LOG_PUMP_H_
