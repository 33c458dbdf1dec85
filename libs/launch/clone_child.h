// clone3(2) into RunChild, on a stack of the child's own: the outside half's only contact with the
// child.
#ifndef CLOISTER_LIBS_LAUNCH_CLONE_CHILD_H_
#define CLOISTER_LIBS_LAUNCH_CLONE_CHILD_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "libs/launch/child.h"
#include "libs/os/pidfd.h"

namespace cloister {
namespace launch {

// A mapping with a guard page below it; one per launch thread, used by one child at a time.
class ChildStack {
 public:
  ChildStack();
  ~ChildStack();
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  void* base() const { return base_; }
  size_t size() const { return size_; }

 private:
  void* base_;
  size_t size_;
};

struct ClonedChild {
  pid_t pid;
  PidFd pidfd;
};

// `namespaces`: CLONE_NEW* bits. `cgroup_fd`: the v2 directory in which it is born, or -1. Returns
// when the child has exec'd init or exited; the calling thread sleeps until then. The child must be
// reaped through its pidfd.
absl::StatusOr<ClonedChild> CloneChild(const ChildContext& context, uint64_t namespaces,
                                       int cgroup_fd, const ChildStack& stack);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_CLONE_CHILD_H_
