// User namespaces with their maps written: for tasks with ids of their own, for what they mount,
// and for joiners of ended ones. Source: user_namespaces(7), mount_setattr(2).
#ifndef CLOISTER_LIBS_LAUNCH_USER_NAMESPACE_H_
#define CLOISTER_LIBS_LAUNCH_USER_NAMESPACE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/launch/task_owner.h"

namespace cloister {
namespace launch {

// A new user namespace, for setns(2); it lives as long as the descriptor or a process in it.
//
// `owner`, a uid of the caller's namespace, is who made it: what its processes use of what the
// kernel counts by user (inotify instances and watches, pending signals, further namespaces) counts
// against that uid, too. So it has to be one that no other task has; were it the launcher's own,
// one task could use all that root may have.
//
// For the time of the call a process of ours is in it, which shares our memory and does nothing.
// The calling thread's effective uid changes meanwhile, and no other thread's.
absl::StatusOr<OwnedFd> MakeUserNamespace(uint32_t owner, const IdMaps& maps);

// Of a task with a range of ids, "0 FIRST COUNT", made as its first one. No task has had it.
absl::StatusOr<OwnedFd> MakeRangeNamespace(uint32_t first, uint32_t count);

// The same as a plan says it; and with the maps of the task's KIND_HOST_DIRECTORY mounts, where
// those are not of all its ids.
absl::StatusOr<OwnedFd> MakeTaskNamespace(const internal::Identity& identity);
absl::StatusOr<OwnedFd> MakeVolumeNamespace(const internal::Identity& identity);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_USER_NAMESPACE_H_
