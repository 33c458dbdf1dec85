// LogReader: one reader of one output of a task, by absolute offset. It holds no thread: the reader
// takes what is there, and is called when there may be more.
#ifndef CLOISTER_LIBS_ENGINE_LOG_READER_H_
#define CLOISTER_LIBS_ENGINE_LOG_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "libs/base/owned_fd.h"
#include "libs/engine/log_follower.h"

namespace cloister::engine {

inline constexpr size_t kMaxLogChunkBytes = size_t{64} * 1024;

// Thread-safe; Next is for one thread at a time.
class LogReader : public std::enable_shared_from_this<LogReader> {
 public:
  enum class Poll {
    kData,
    kNothing,  // Now `on_ready` will be called, once, when there may be something.
    kEnd,
  };
  // Opens the output; NOT_FOUND while there is none yet.
  using Open = std::function<absl::StatusOr<OwnedFd>()>;

  // Without `follower` it ends with what is there; with one (which outlives it), when the output
  // has ended. `on_ready` is called without any lock held and must not block.
  LogReader(Open open, uint64_t offset, LogFollower* follower, std::function<void()> on_ready);
  ~LogReader();
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // kData: `offset` is that of the first byte of `data`, at most kMaxLogChunkBytes.
  absl::StatusOr<Poll> Next(uint64_t* offset, std::string* data);

  // No call of on_ready begins after this.
  void Cancel();

  // --- For whoever knows the task. ---

  // There may be something: the task has started.
  void Look();
  // Nothing is written after this.
  void OutputEnded();

 private:
  void Wake(bool ended);
  absl::Status OpenFile();
  // What is at offset_; empty at the end of the file.
  absl::StatusOr<std::string> Read();

  const Open open_;
  LogFollower* const follower_;
  const std::function<void()> on_ready_;
  // The reading thread's.
  OwnedFd file_;
  uint64_t offset_;
  absl::Mutex mutex_;
  absl::optional<LogFollower::Ticket> ticket_ ABSL_GUARDED_BY(mutex_);
  // Something happened since Next has last looked.
  bool stirred_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool armed_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_LOG_READER_H_
