// The outside half of a launch: before and after the clone, in a launch thread.
#ifndef CLOISTER_LIBS_LAUNCH_LAUNCH_H_
#define CLOISTER_LIBS_LAUNCH_LAUNCH_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/types/variant.h"
#include "cloister/internal/launcher.pb.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/cgroup/slot.h"
#include "libs/cgroup/slot_pool.h"
#include "libs/launch/clone_child.h"
#include "libs/launch/launch_site.h"
#include "libs/os/pidfd.h"

namespace cloister {
namespace launch {

struct LaunchJob {
  std::string task_id;
  internal::LaunchPlan plan;
  // The task's directory, O_PATH. What the launch makes is made beneath it.
  OwnedFd task_directory;
};

// What a task writes to; our end does not block.
struct OutputPipe {
  OwnedFd read;
  OwnedFd write;
};

// A task whose init runs. Owns all that its end needs.
struct LaunchedTask {
  std::string task_id;
  pid_t pid = 0;
  uint64_t start_time_ticks = 0;
  PidFd init;
  // Our end of the report socket, non-blocking.
  OwnedFd report;
  // The task's pipes, and the files that they go to. Ends to write are kept as well: whoever waits
  // for output would else be woken for each of a task's two ends of file, in the middle of its end.
  OutputPipe stdout_pipe;
  OutputPipe stderr_pipe;
  OwnedFd stdout_file;
  OwnedFd stderr_file;
  OwnedFd task_directory;
  // The namespace's init takes all of the task's processes with it.
  bool own_pid_namespace = false;
  // The payload is init's successor: it tells nothing.
  bool without_init = false;
  // Keeps the task's mounts beyond its end: taking them down, an RCU grace period included, would
  // otherwise be the last thing that init does, and hold up the news of its end. Invalid where the
  // kernel does not give it (before 6.9).
  OwnedFd mount_namespace;
  cgroup::CgroupSlot slot;
  // Where the slot goes back to; nullptr without cgroups.
  cgroup::SlotPool* pool = nullptr;
  internal::StopPolicy stop;
};

// Of the profile whose program the plan's task gets; empty: of none.
std::string SeccompHash(const internal::LaunchPlan& plan);

// What a launch thread has for its launches, one at a time.
struct LaunchThread {
  ChildStack stack;
  // Bounding set of the thread.
  uint64_t bounding = 0;
  // Hash of the profile whose inherited part the thread lives under, so that it can launch tasks of
  // no other; empty: none.
  std::string seccomp;
};

// Runs the outside steps in order. On failure nothing is left but files in the task's directory,
// which is the executor's. The calling thread is in the launcher's mount namespace before and
// after, gets a filesystem context of its own, and must not end while the task lives: its end would
// kill the task.
absl::variant<LaunchedTask, internal::LaunchFailure> Launch(LaunchSite* site, LaunchThread* thread,
                                                            LaunchJob job);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_LAUNCH_H_
