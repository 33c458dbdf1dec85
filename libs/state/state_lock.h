// One executor per state directory: two would recover, and then kill and remove, each other's
// tasks.
#ifndef CLOISTER_LIBS_STATE_STATE_LOCK_H_
#define CLOISTER_LIBS_STATE_STATE_LOCK_H_

#include <utility>

#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"

namespace cloister::state {

// The lock of a state directory, held as long as this object lives and at most as long as the
// process: the kernel drops it with the last descriptor (flock(2)), and nobody inherits that. The
// file stays.
class StateLock {
 public:
  // FAILED_PRECONDITION, with the holder's pid, if another process (or another lock of this one)
  // holds it. `state_directory` is borrowed; O_PATH will do.
  static absl::StatusOr<StateLock> Acquire(int state_directory);

 private:
  explicit StateLock(OwnedFd file) : file_(std::move(file)) {}

  OwnedFd file_;
};

}  // namespace cloister::state

#endif  // CLOISTER_LIBS_STATE_STATE_LOCK_H_
