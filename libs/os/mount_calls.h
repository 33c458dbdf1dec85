// The mount calls that work on trees which are mounted nowhere: open_tree(2), move_mount(2) (Linux
// 5.2), mount_setattr(2) (Linux 5.12).
#ifndef CLOISTER_LIBS_OS_MOUNT_CALLS_H_
#define CLOISTER_LIBS_OS_MOUNT_CALLS_H_

namespace cloister {

// Whether all of them are there. A kernel, or a filter that this process runs under, may lack one.
bool HasMountCalls();

}  // namespace cloister

#endif  // CLOISTER_LIBS_OS_MOUNT_CALLS_H_
