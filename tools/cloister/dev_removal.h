// Removes what the processes of a private cluster leave behind. Only after they have ended.
// Everything is idempotent.
#ifndef CLOISTER_TOOLS_CLOISTER_DEV_REMOVAL_H_
#define CLOISTER_TOOLS_CLOISTER_DEV_REMOVAL_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/cloister/dev_layout.h"

namespace cloister {

// Where the cluster has cgroups, beneath each hierarchy's mount point: root's by its name, a user's
// by where its processes are, which is to be asked while those are there.
absl::StatusOr<std::vector<std::string>> FindPlacesOfDevCgroups(const DevLayout& layout,
                                                                const std::vector<pid_t>& services);

// Kills what is left in these cgroups (a launcher that was killed takes its tasks along, but not at
// once) and removes them in every hierarchy.
absl::Status RemoveDevCgroups(const DevLayout& layout, const std::vector<std::string>& places,
                              const std::function<void(absl::string_view)>& progress);

// Detaches every mount of this mount namespace at or beneath the cluster's directories.
absl::Status RemoveDevMounts(const DevLayout& layout);

// Removes state directories, run directory and record. Log directory, lock and the directory itself
// stay.
absl::Status RemoveDevFiles(const DevLayout& layout);

// Names in a directory, without "." and ".."; empty when it cannot be read.
std::vector<std::string> ListDevDirectory(const std::string& path);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_DEV_REMOVAL_H_
