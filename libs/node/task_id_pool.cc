#include "libs/node/task_id_pool.h"

#include <algorithm>

namespace cloister::node {
namespace {

// After systemd's ranges for containers (0x00080000 to 0x6fffffff), for 1024 tasks.
constexpr uint32_t kDefaultFirst = 0x70000000;
constexpr uint32_t kDefaultCount = 1024 << 16;
// Without root ids below are those of the tasks that have none of their own: nobody is 65534.
constexpr uint32_t kOrdinaryIds = 1 << 16;

}  // namespace

TaskIdPool MakeTaskIdPool(const NodePolicy& policy, const UserNamespace& space) {
  TaskIdPool pool = {policy.userns_first, policy.userns_count, policy.userns_ids_per_task};
  const bool named = pool.count > 0;
  if (space.kind == UserNamespace::Kind::kNone) {
    if (!named) {
      pool.first = kDefaultFirst;
      pool.count = kDefaultCount;
    }
    return pool;
  }
  const uint32_t last = std::min(space.last_uid, space.last_gid);
  if (!named) {
    pool.first = kOrdinaryIds;
    pool.count = last < kOrdinaryIds ? 0 : last - kOrdinaryIds + 1;
  } else if (last < pool.first || last - pool.first < pool.count - 1) {
    pool.count = 0;
  }
  return pool;
}

}  // namespace cloister::node
