// Where something of a task's own may be mounted in its root, by the text of the path alone. For
// volume_mounts and mounts.
#ifndef CLOISTER_LIBS_TASK_MOUNT_DESTINATION_H_
#define CLOISTER_LIBS_TASK_MOUNT_DESTINATION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/task/violations.h"

namespace cloister::task {

// A place that is taken, and by what: "volume_mount".
struct TakenPlace {
  std::string path;
  absl::string_view by;
};

// Clean and absolute; a relative path is taken from "/". Empty if it is refused.
std::string ParseDestination(const std::string& field, const std::string& text,
                             Violations* violations);

// Whether there is room at `path`, as ParseDestination gives it, by the text alone: what the node's
// root holds is the plan's to know.
void CheckPlace(const std::string& field, const std::string& path,
                const std::vector<TakenPlace>& others, Violations* violations);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_MOUNT_DESTINATION_H_
