// What the child makes in a tmpfs of the task's: raw system calls, like all of the child.
#ifndef CLOISTER_LIBS_LAUNCH_COPY_CHILD_H_
#define CLOISTER_LIBS_LAUNCH_COPY_CHILD_H_

#include "libs/launch/child.h"

namespace cloister {
namespace launch {

// At `inside`, where nothing is yet: nothing of the task has run. 0 or -errno.
long MakeCopy(const ChildMount& mount);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_COPY_CHILD_H_
