// The cgroups directly beneath one.
#ifndef CLOISTER_LIBS_CGROUP_CHILD_CGROUPS_H_
#define CLOISTER_LIBS_CGROUP_CHILD_CGROUPS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::cgroup {

// Names of the directories in `directory` (borrowed; O_PATH will do), sorted. `shown` is its path,
// for errors.
absl::StatusOr<std::vector<std::string>> ListChildCgroups(int directory, absl::string_view shown);

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_CHILD_CGROUPS_H_
