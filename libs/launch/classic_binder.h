// Binds in a root that is being made, by mount(2) alone: for a kernel, or a filter that the
// launcher runs under, without open_tree(2), move_mount(2) and mount_setattr(2), which work on
// trees that are mounted nowhere. What is bound, and with which flags, is the same; it takes a root
// of its own for each task, and time.
#ifndef CLOISTER_LIBS_LAUNCH_CLASSIC_BINDER_H_
#define CLOISTER_LIBS_LAUNCH_CLASSIC_BINDER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"

namespace cloister {
namespace launch {

// MS_* flags that a bind and what comes with it gets and loses; other flags of theirs stay.
struct BindFlags {
  unsigned long set = 0;
  unsigned long clear = 0;
};

// A mount of one task, which waits in its root for the child to move it.
struct ClassicSource {
  // Where it is on the node, and what it has to be there: the launcher has looked at it.
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
  bool directory = false;
  bool recursive = false;
  bool slave = false;
  BindFlags flags;
};

// Where `fd` is, and what. ENOSYS for what only the newer calls can do: mounts that the node is to
// see, too.
absl::StatusOr<ClassicSource> DescribeSource(int fd);

class ClassicBinder {
 public:
  // In a mount namespace of the caller's own, as long as /proc is there; `mountinfo` is that of it.
  // The thread's working directory is the binder's from here on.
  static absl::StatusOr<std::unique_ptr<ClassicBinder>> Make(int mountinfo);

  // The source as this namespace has it, for Bind: a descriptor from another names a mount that
  // cannot be bound here. ESTALE if it is something else here.
  absl::StatusOr<OwnedFd> Open(const ClassicSource& source) const;

  // What was opened in this namespace on `target`. Private, unless it is to go on following the
  // node's mounts.
  absl::Status Bind(int source, const std::string& target, bool recursive, bool slave,
                    BindFlags flags) const;

  // All of a task's on a tmpfs on `stage`, by their numbers in the list.
  absl::Status Stage(const std::vector<ClassicSource>& sources, const std::vector<OwnedFd>& opened,
                     const std::string& stage) const;

 private:
  ClassicBinder(OwnedFd proc, int mountinfo) : proc_(std::move(proc)), mountinfo_(mountinfo) {}

  const OwnedFd proc_;
  const int mountinfo_;
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_CLASSIC_BINDER_H_
