// The ids that a node has for tasks with ids of their own. Pure.
#ifndef CLOISTER_LIBS_NODE_TASK_ID_POOL_H_
#define CLOISTER_LIBS_NODE_TASK_ID_POOL_H_

#include <cstdint>

#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"

namespace cloister::node {

// uids and gids alike, as the executor has them: `first` to `first` + `count` - 1, of which each
// task gets `per_task`.
struct TaskIdPool {
  uint32_t first = 0;
  uint32_t count = 0;
  uint32_t per_task = 0;

  // Whether there is a range for at least one task.
  bool HasAny() const { return per_task > 0 && count >= per_task; }
};

// The policy's; where it names none, one that login.defs(5) and systemd leave alone, or without
// root what /etc/subuid and /etc/subgid give beyond the 65536 ids of ordinary tasks. Without root
// it is empty where these do not have what the policy names.
TaskIdPool MakeTaskIdPool(const NodePolicy& policy, const UserNamespace& space);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_TASK_ID_POOL_H_
