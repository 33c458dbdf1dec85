// The devices of a root template: device nodes of the node, bound into the /dev that its tasks
// share. Made with the template, so a launch pays nothing for them.
#ifndef CLOISTER_LIBS_LAUNCH_TEMPLATE_DEVICES_H_
#define CLOISTER_LIBS_LAUNCH_TEMPLATE_DEVICES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/launch/classic_binder.h"

namespace cloister {
namespace launch {

// In order, each opened without following a link and cloned (nosuid,noexec). ESTALE for what is not
// the device that the plan says.
absl::StatusOr<std::vector<OwnedFd>> CloneDevices(const internal::RootTemplate& root);

// `stage` is where the new root is put together. Places are empty files, made while /dev can be
// written to.
absl::Status MakeDevicePlaces(const internal::RootTemplate& root, const std::string& stage);
absl::Status PlaceDevices(const internal::RootTemplate& root, const std::vector<OwnedFd>& trees,
                          const std::string& stage, const ClassicBinder* binder);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_TEMPLATE_DEVICES_H_
