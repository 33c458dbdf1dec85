// LogFollower: says that a file has grown. One inotify instance and one thread for all followers of
// a node. Source: inotify(7).
#ifndef CLOISTER_LIBS_ENGINE_LOG_FOLLOWER_H_
#define CLOISTER_LIBS_ENGINE_LOG_FOLLOWER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/owned_fd.h"

namespace cloister::engine {

// Thread-safe.
class LogFollower {
 public:
  static absl::StatusOr<std::unique_ptr<LogFollower>> Create();
  ~LogFollower();
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;

  struct Ticket {
    int watch = -1;
    uint64_t number = 0;
  };

  // Calls `on_growth` each time that the file may have grown from now on; several writes may make
  // one call. `file` is borrowed, for the length of this call. The callback runs on the follower's
  // thread without a lock held and must not block. RESOURCE_EXHAUSTED when the user's inotify
  // watches (fs.inotify.max_user_watches) are used up.
  absl::StatusOr<Ticket> Follow(int file, std::function<void()> on_growth);

  // No call begins after this; one that has begun may still be running: let the callback own what
  // it touches.
  void Unfollow(const Ticket& ticket);

 private:
  using Callback = std::shared_ptr<const std::function<void()>>;

  LogFollower(OwnedFd inotify, OwnedFd wake);
  void Run();
  void HandleEvents(const char* bytes, size_t size);
  std::vector<Callback> CallbacksOf(int watch) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const OwnedFd inotify_;
  const OwnedFd wake_;
  mutable absl::Mutex mutex_;
  // By watch descriptor: one per file, whoever follows it.
  std::map<int, std::map<uint64_t, Callback>> followers_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
  std::thread thread_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_LOG_FOLLOWER_H_
