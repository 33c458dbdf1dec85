// The signals by which a person ends a program (SIGINT, SIGTERM, SIGHUP), as things to read instead
// of as sudden ends. Source: signalfd(2).
#ifndef CLOISTER_TOOLS_CLOISTER_INTERRUPTS_H_
#define CLOISTER_TOOLS_CLOISTER_INTERRUPTS_H_

#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"

namespace cloister {

class Interrupts {
 public:
  // Blocks the signals in the calling thread. Before any other thread exists: those made later
  // inherit it, an earlier one would die of them. SIGPIPE is ignored from here on, so that a closed
  // output is an error to handle.
  static absl::StatusOr<Interrupts> Block();

  // The next signal, or 0 when `wake_fd` (borrowed; -1: none) became readable first. Of both, the
  // signal is told.
  int Await(int wake_fd) const;

  // Readable when a signal is there.
  int get() const { return fd_.get(); }

 private:
  explicit Interrupts(OwnedFd fd) : fd_(std::move(fd)) {}

  OwnedFd fd_;
};

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_INTERRUPTS_H_
