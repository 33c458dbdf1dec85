// A root that one task may change: overlays over what its template has, with upper layers in
// memory.
#ifndef CLOISTER_LIBS_LAUNCH_OVERLAY_ROOT_H_
#define CLOISTER_LIBS_LAUNCH_OVERLAY_ROOT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"
#include "libs/launch/task_owner.h"

namespace cloister {
namespace launch {

// In the order of its members. The calling thread has a mount namespace and a filesystem context of
// its own, and its working directory changes. Source: the kernel's
// Documentation/filesystems/overlayfs.rst.
class OverlayRoot {
 public:
  // A tmpfs of `bytes` for what is changed, which is charged to whoever changes it; it is mounted
  // on `place` for the time being, an empty directory that is covered later.
  static absl::StatusOr<std::unique_ptr<OverlayRoot>> Make(const std::string& place, uint64_t bytes,
                                                           const TaskOwner& owner);

  // An overlay over the directory `path`, whose top is the owner's: what is deeper keeps owner and
  // mode. What is mounted in the directory does not show. EINVAL for a path with ':', ',' or '\'.
  absl::Status Cover(const std::string& path);

  // The tmpfs is the overlays' alone from here on.
  absl::Status Hide();

 private:
  OverlayRoot(OwnedFd upper, const TaskOwner& owner) : upper_(std::move(upper)), owner_(owner) {}

  const OwnedFd upper_;
  const TaskOwner owner_;
  int layers_ = 0;
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_OVERLAY_ROOT_H_
