// Task ids: derived, never chosen, so that a request that is sent twice is one task.
#ifndef CLOISTER_LIBS_TASK_TASK_ID_H_
#define CLOISTER_LIBS_TASK_TASK_ID_H_

#include <string>

#include "absl/strings/string_view.h"

namespace cloister::task {

// 128 bits of SHA-256 over both, in lower-case base32: 26 characters [a-z2-7], fit for paths and
// cgroup names. The same for ever: ids are on disk, and a frontend and an executor of different
// versions derive the same. `principal` is who asks, as authentication named it; with it, nobody
// can meet another's id by guessing request ids.
std::string DeriveTaskId(absl::string_view principal, absl::string_view request_id);

// True for text that DeriveTaskId can give. Check it before an id from outside becomes part of a
// path.
bool IsTaskId(absl::string_view text);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_TASK_ID_H_
