// The child's mounts by mount(2) alone, for a kernel, or a filter that the launcher runs under,
// without open_tree(2), move_mount(2) and mount_setattr(2): raw system calls, like all of the
// child.
#ifndef CLOISTER_LIBS_LAUNCH_CLASSIC_CHILD_H_
#define CLOISTER_LIBS_LAUNCH_CLASSIC_CHILD_H_

#include "libs/launch/child.h"

namespace cloister {
namespace launch {

struct DescriptorPath {
  char text[32];
};

// "/proc/self/fd/N", for calls that take no descriptor. The task's own /proc, which is mounted
// before anything at a place that the task has chosen; the link leads to the very file that was
// opened.
DescriptorPath PathOfDescriptor(long fd);

// A mount without a detached tree, on `place`: moves the one that is staged there, or makes a new
// one.
long PlaceByMount(const ChildMount& mount, const char* place);

// On the template's empty directory, a tmpfs with the files by their numbers, read-only. 0 or
// -errno.
long WriteFilesHere(const ChildContext& context);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_CLASSIC_CHILD_H_
