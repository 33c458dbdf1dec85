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
// An absolute command is itself and nothing else: "/bin/sh" means that file even if the task
// directory, which the task can write to, has a local/bin/sh. (The exec driver looks there first.)
// A name is searched in the task's local directory, the root, /usr/local/bin, /usr/bin and /bin; a
// relative path with a slash in it, such as an unpacked "app/bin/server", only in the first two.
// `command` is not empty.
std::vector<std::string> CommandCandidates(absl::string_view command);

}  // namespace cloister::chroot

#endif  // CLOISTER_LIBS_CHROOT_COMMAND_LOOKUP_H_
