// Whose the task's files, pipes and mounts are, seen from the launcher's user namespace.
#ifndef CLOISTER_LIBS_LAUNCH_TASK_OWNER_H_
#define CLOISTER_LIBS_LAUNCH_TASK_OWNER_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "cloister/internal/plan.pb.h"

namespace cloister {
namespace launch {

struct TaskOwner {
  uint32_t uid;
  uint32_t gid;
};

inline TaskOwner OwnerOf(const internal::Identity& identity) {
  if (!identity.has_user_namespace()) return {identity.uid(), identity.gid()};
  return {identity.user_namespace().outside_uid(), identity.user_namespace().outside_gid()};
}

// Whether the task has a whole range of ids, which only somebody outside can map.
inline bool HasIdRange(const internal::Identity& identity) {
  return identity.user_namespace().count() > 0;
}

// "INSIDE OUTSIDE COUNT", for /proc/PID/uid_map and gid_map; empty without a namespace of its own.
struct IdMaps {
  std::string uid;
  std::string gid;
};

inline IdMaps MapsOf(const internal::Identity& identity) {
  if (!identity.has_user_namespace()) return {};
  const internal::Identity::UserNamespace& space = identity.user_namespace();
  if (HasIdRange(identity)) {
    const std::string map = absl::StrCat("0 ", space.first(), " ", space.count());
    return {map, map};
  }
  return {absl::StrCat(identity.uid(), " ", space.outside_uid(), " 1"),
          absl::StrCat(identity.gid(), " ", space.outside_gid(), " 1")};
}

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_TASK_OWNER_H_
