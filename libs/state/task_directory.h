// Task directories: made, listed and removed. What is in one is drawn in layout.h.
//
// Everything beneath local/ and tmp/ was writable by a hostile task, so removal opens no file,
// follows no link, crosses no mount and needs neither a stack nor a descriptor per level of a deep
// tree.
#ifndef CLOISTER_LIBS_STATE_TASK_DIRECTORY_H_
#define CLOISTER_LIBS_STATE_TASK_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"
#include "libs/state/tree_removal.h"

namespace cloister::state {

// `tasks` is the open tasks directory (borrowed; O_PATH will do). A task id is one plain name that
// does not begin with '.': INVALID_ARGUMENT otherwise. Errors name the task directory or a path in
// it.

// Makes the directory, 0700, unless it is there, and opens it (O_PATH). FAILED_PRECONDITION if
// something else has the name, or it is not ours alone.
absl::StatusOr<OwnedFd> CreateTaskDirectory(int tasks, const std::string& task_id);

// An O_PATH descriptor; NOT_FOUND if there is none.
absl::StatusOr<OwnedFd> OpenTaskDirectory(int tasks, const std::string& task_id);

// The ids of all task directories, sorted.
absl::StatusOr<std::vector<std::string>> ListTaskDirectories(int tasks);

// Removes the directory with all that is in it; the intent record goes last, so that after a crash
// midway it is still known whose directory this is and that it is to go. OK if there is none. As
// much as possible is removed; the error is the first thing that could not be, under the path where
// it is now (deep trees are moved up while they are taken apart) and with what to do: a mount, an
// immutable file. A tenant's tree may be of any size: what a tenth of a second is not enough for is
// kUnfinished, to be called again when others have had their turn.
absl::StatusOr<Removal> RemoveTaskDirectory(int tasks, const std::string& task_id);

}  // namespace cloister::state

#endif  // CLOISTER_LIBS_STATE_TASK_DIRECTORY_H_
