// The places of a task's volumes and mounts: of both it is the task that chooses them.
#ifndef CLOISTER_LIBS_PLAN_MOUNT_PLACE_H_
#define CLOISTER_LIBS_PLAN_MOUNT_PLACE_H_

#include <string>
#include <vector>

#include "cloister/internal/plan.pb.h"
#include "libs/base/field_violations.h"
#include "libs/node/node_policy.h"

namespace cloister::plan {

// Where a task can make directories, the mount point is made in there, for this task alone: the
// same place within the task's directory on the node. Empty if `destination` is in none of them.
std::string MountPointOf(const std::string& destination);

// Makes room at `destination`: in `root`, unless it has a MountPointOf. `field` gets a violation
// where there can be none.
void MakePlace(const std::string& field, const std::string& destination,
               internal::RootTemplate* root, std::vector<FieldViolation>* violations);

// That of the policy's private directories which `path`, with no link on the way, is, contains or
// lies in; empty if there is none.
std::string PrivateDirectoryAt(const std::string& path, const node::NodePolicy& policy);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_MOUNT_PLACE_H_
