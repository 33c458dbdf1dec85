// The seccomp filter of a task, as a ready program. Source: seccomp(2), SECCOMP_SET_MODE_FILTER.
//
// It closes what would undo other parts of the fence, not the kernel's attack surface as a whole:
//   user namespaces    in one of its own a task could mount the node's cgroup hierarchies, and,
//   with
//                      setuid and setfcap added, lift its own limits or freeze itself beyond a kill
//   clone3             ENOSYS, as its flags are behind a pointer: the C library falls back to clone
//   kernel keyrings    are shared by all tasks of a user, and by uid 0 with the node
//   x32                ENOSYS: the same calls under other numbers
// 64-bit and i386 programs are filtered alike; another architecture is killed.
#ifndef CLOISTER_LIBS_LAUNCH_SECCOMP_FILTER_H_
#define CLOISTER_LIBS_LAUNCH_SECCOMP_FILTER_H_

namespace cloister {
namespace launch {

// A sock_fprog, for prctl(PR_SET_SECCOMP). Lives for ever.
const void* BasicSeccompProgram();

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_SECCOMP_FILTER_H_
