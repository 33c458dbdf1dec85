// ReadinessLoop: one thread that waits for many descriptors, so that no call holds a thread of its
// own while a joiner works or a client reads slowly. Source: epoll(7).
#ifndef CLOISTER_LIBS_FILES_READINESS_LOOP_H_
#define CLOISTER_LIBS_FILES_READINESS_LOOP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/owned_fd.h"

namespace cloister::files {

// Thread-safe.
class ReadinessLoop {
 public:
  static absl::StatusOr<std::unique_ptr<ReadinessLoop>> Create();
  // Waits for a callback that runs. Not on the loop's thread.
  ~ReadinessLoop();
  ReadinessLoop(const ReadinessLoop&) = delete;
  ReadinessLoop& operator=(const ReadinessLoop&) = delete;

  // Takes a descriptor in; nothing is waited for yet. The callback, on the loop's thread, must not
  // block. The descriptor stays open until Remove.
  uint64_t Add(int fd, std::function<void()> on_ready);
  // Has the callback called once, as soon as there is something to read, or room to write if
  // `to_write`, or the other end is gone.
  void Arm(uint64_t watch, bool to_write);
  // The callback may be running still.
  void Remove(uint64_t watch);

 private:
  struct Watch {
    int fd;
    bool known;
    std::function<void()> on_ready;
  };

  ReadinessLoop(OwnedFd epoll, OwnedFd wake);
  void Run();

  const OwnedFd epoll_;
  const OwnedFd wake_;
  absl::Mutex mutex_;
  // By a number that is never used again, so that late news finds nobody.
  std::map<uint64_t, Watch> watches_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 1;
  std::thread thread_;
};

}  // namespace cloister::files

#endif  // CLOISTER_LIBS_FILES_READINESS_LOOP_H_
