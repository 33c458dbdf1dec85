// The read-only root that all tasks of the same RootTemplate share: a mount namespace whose root it
// is. A task's child is cloned from a thread that is inside it, so its private copy has this root
// and nothing of the host's mounts: no pivot, no unmount, and no cost that grows with them.
#ifndef CLOISTER_LIBS_LAUNCH_MOUNT_TEMPLATE_H_
#define CLOISTER_LIBS_LAUNCH_MOUNT_TEMPLATE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/launch/classic_binder.h"
#include "libs/launch/task_owner.h"

namespace cloister {
namespace launch {

// Builds the template in a thread of its own and returns its namespace, for setns(2). It lives as
// long as the descriptor or a task in it. Errors name the entry: "root.binds[2] '/srv/data' on
// '/data': no such file or directory".
// `owner` has the tops of a root with an overlay, which is for one task alone. So is one that is
// made by mount(2) alone (classic_mounts): the `sources` wait on its empty directory.
absl::StatusOr<OwnedFd> BuildMountTemplate(const internal::RootTemplate& root,
                                           const TaskOwner& owner,
                                           const std::vector<ClassicSource>& sources);

// Templates that were built, by content: tasks choose among the node's chroot entries, and where
// their volumes are. Of those that no launch holds the 64 that were used last are kept.
// Thread-safe.
class MountTemplates {
 public:
  using Template = std::shared_ptr<const OwnedFd>;

  static constexpr size_t kKept = 64;

  // The namespace; built at the first call. Its tasks keep it alive by themselves.
  absl::StatusOr<Template> Get(const internal::RootTemplate& root) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    Template mount_namespace;
    uint64_t last_use;
  };
  void DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  std::map<std::string, Entry> templates_ ABSL_GUARDED_BY(mutex_);
  uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_MOUNT_TEMPLATE_H_
