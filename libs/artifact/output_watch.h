// OutputWatch: looks again and again at what running cells have made, on a thread of its own, and
// says once which of them is over a limit. For fetcher_client.
#ifndef CLOISTER_LIBS_ARTIFACT_OUTPUT_WATCH_H_
#define CLOISTER_LIBS_ARTIFACT_OUTPUT_WATCH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/artifact/output_size.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

// Thread-safe.
class OutputWatch {
 public:
  // With the limit that it is over; on the watch's thread. It may come a moment after Remove.
  using OnOver = std::function<void(uint64_t id, const absl::Status&)>;

  OutputWatch(OutputLimits limits, OnOver on_over);
  // Waits for the look that is on its way.
  ~OutputWatch();
  OutputWatch(const OutputWatch&) = delete;
  OutputWatch& operator=(const OutputWatch&) = delete;

  // `processes` is the cgroup.procs of the cell; empty: none.
  void Add(uint64_t id, OwnedFd directory, std::string processes);
  // Nothing if there is no such cell.
  void Remove(uint64_t id);

 private:
  struct Cell {
    OwnedFd directory;
    std::string processes;
  };

  void Run();
  // All of them, one after another.
  void Look();

  const OutputLimits limits_;
  const OnOver on_over_;
  absl::Mutex mutex_;
  std::map<uint64_t, std::shared_ptr<const Cell>> cells_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_OUTPUT_WATCH_H_
