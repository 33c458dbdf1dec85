// Ends a private cluster with its tasks, whatever state it is in: also after a crash of any part of
// it, also twice.
#ifndef CLOISTER_TOOLS_CLOISTER_DEV_STOP_H_
#define CLOISTER_TOOLS_CLOISTER_DEV_STOP_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tools/cloister/dev_layout.h"

namespace cloister {

struct DevStopOptions {
  // Most that a task gets from its stop signal to the kill; less where its own kill_timeout is
  // less.
  absl::Duration grace = absl::Seconds(5);
  // One line for each thing that is done. May be null.
  std::function<void(absl::string_view)> progress;
};

// In this order: stops the tasks and waits for them, through each executor that answers; ends
// frontend and executors; retires launchers and ends those that do not leave; removes cgroups,
// mounts, sockets, state directories and the record. What the services said (D/log) stays. Goes on
// after a failure and returns the first one. False: there was nothing to stop.
absl::StatusOr<bool> StopDevCluster(const DevLayout& layout, const DevStopOptions& options);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_DEV_STOP_H_
