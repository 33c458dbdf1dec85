// Brings exit records to the disk in groups, on one thread: an exit is told at once and is safe
// from a crash of the machine within 100 ms, without an fsync(2) per task (launch and exit never
// wait for a disk).
#ifndef CLOISTER_LIBS_STATE_EXIT_SYNCER_H_
#define CLOISTER_LIBS_STATE_EXIT_SYNCER_H_

#include <cstdint>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/owned_fd.h"

namespace cloister::state {

// Thread-safe. A disk that hangs holds up this thread and nobody else.
class ExitSyncer {
 public:
  ExitSyncer();

  // Syncs what was added, then ends the thread.
  ~ExitSyncer();

  ExitSyncer(const ExitSyncer&) = delete;
  ExitSyncer& operator=(const ExitSyncer&) = delete;

  // `task_directory` holds an exit record that was just written (WriteRecord); O_PATH will do. Its
  // removal meanwhile is no failure.
  void Add(OwnedFd task_directory);

  // Blocks until everything that was added before is on the disk. The first failure since the last
  // Flush.
  absl::Status Flush();

 private:
  void Run();

  absl::Mutex mu_;
  std::vector<OwnedFd> waiting_ ABSL_GUARDED_BY(mu_);
  uint64_t added_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t synced_ ABSL_GUARDED_BY(mu_) = 0;
  // Somebody waits: the group is not left open any longer.
  int flushing_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace cloister::state

#endif  // CLOISTER_LIBS_STATE_EXIT_SYNCER_H_
