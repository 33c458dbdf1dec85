// What is mounted in a namespace that is being made, by its mountinfo.
#ifndef CLOISTER_LIBS_LAUNCH_MOUNT_POINTS_H_
#define CLOISTER_LIBS_LAUNCH_MOUNT_POINTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace cloister {
namespace launch {

// Mount points below "/" of the namespace that `mountinfo` shows, which stays readable when /proc
// is gone.
absl::StatusOr<std::vector<std::string>> MountPoints(int mountinfo);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_MOUNT_POINTS_H_
