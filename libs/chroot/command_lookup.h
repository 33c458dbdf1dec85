// Where a task's command is looked for inside its root. Pure: the kernel looks, by execve(2) of one
// candidate after the other in the finished root, as the task's user; nothing is resolved from
// outside, where links would lead elsewhere.
#ifndef CLOISTER_LIBS_CHROOT_COMMAND_LOOKUP_H_
#define CLOISTER_LIBS_CHROOT_COMMAND_LOOKUP_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace cloister::chroot {

// Paths inside the root, in the order in which they are tried; the one that runs becomes argv[0].
// PATH plays no part.
//
// A name is searched in the task's local directory, the root (which is the task directory), the
// volumes in the order of their mounts, /usr/local/bin, /usr/bin and /bin; a relative path with a
// slash in it, such as an unpacked "app/bin/server", in all but the last three.
//
// An absolute command is looked for beneath the local directory, which is the task's own, and then
// as itself, in a volume as elsewhere.
//
// `command` is not empty; `volumes` are the absolute places where volumes are mounted. What is
// longer than a path can be is left out.
std::vector<std::string> CommandCandidates(absl::string_view command,
                                           const std::vector<std::string>& volumes);

}  // namespace cloister::chroot

#endif  // CLOISTER_LIBS_CHROOT_COMMAND_LOOKUP_H_
