// What all launches of a launcher share: made once, at its start.
#ifndef CLOISTER_LIBS_LAUNCH_LAUNCH_SITE_H_
#define CLOISTER_LIBS_LAUNCH_LAUNCH_SITE_H_

#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/clock.h"
#include "libs/base/lull.h"
#include "libs/base/owned_fd.h"
#include "libs/cgroup/slot_pool.h"
#include "libs/launch/low_fds.h"
#include "libs/launch/mount_template.h"
#include "libs/launch/namespaces_ahead.h"
#include "libs/launch/seccomp_programs.h"

namespace cloister {
namespace launch {

struct LaunchSiteOptions {
  // Cgroup slots are named after it; unique among the launchers of a node.
  std::string slot_prefix;
  size_t ready_slots = 16;
  // User namespaces of the ranges of ids that come next. As many as are launched at once, or
  // nearly.
  uint32_t ready_namespaces = 8;
  // For tests: launches fail at this LaunchStep with this errno. 0: never.
  int fail_step = 0;
  int fail_error = 0;
};

// Thread-safe.
class LaunchSite {
 public:
  // Call before other descriptors are opened (LowFds).
  static absl::StatusOr<std::unique_ptr<LaunchSite>> Make(LaunchSiteOptions options);

  // The pool for the directories that the plan names; nullptr for a plan without cgroups.
  absl::StatusOr<cgroup::SlotPool*> PoolFor(const internal::CgroupPlan& plan)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Sees to it that every slot of `pool` has the filter of a task without devices:
  // attached to their parent at the first call, nothing to do later.
  absl::Status FilterDevices(const cgroup::SlotPool* pool, const internal::CgroupPlan& cgroup)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Builds what the first launch of such a plan would otherwise wait for.
  absl::Status Prepare(const internal::LaunchPlan& plan);

  // Before the process leaves: it has no tasks any more, and nothing of it shall stay.
  void RemoveReadySlots() ABSL_LOCKS_EXCLUDED(mutex_);

  MountTemplates& templates() { return templates_; }
  SeccompPrograms& seccomp_programs() { return seccomp_programs_; }
  NamespacesAhead& namespaces_ahead() { return namespaces_ahead_; }
  LowFds& low_fds() { return *low_fds_; }
  // Between launches and ends.
  Lull& lull() { return lull_; }
  // init's memfd, on a low number.
  int init_fd() const { return init_fd_; }
  int null_fd() const { return null_.get(); }
  // The launcher's own mount namespace, to come back to.
  int host_namespace() const { return host_namespace_.get(); }
  const std::string& boot_id() const { return boot_id_; }
  const LaunchSiteOptions& options() const { return options_; }

 private:
  explicit LaunchSite(LaunchSiteOptions options);

  const LaunchSiteOptions options_;
  const RealClock clock_;
  Lull lull_;
  std::unique_ptr<LowFds> low_fds_;
  OwnedFd init_;
  int init_fd_ = -1;
  OwnedFd null_;
  OwnedFd host_namespace_;
  std::string boot_id_;
  MountTemplates templates_;
  SeccompPrograms seccomp_programs_;
  NamespacesAhead namespaces_ahead_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<cgroup::SlotPool>> pools_ ABSL_GUARDED_BY(mutex_);
  std::set<const cgroup::SlotPool*> filtered_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_LAUNCH_SITE_H_
